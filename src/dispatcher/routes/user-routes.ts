import { doerOf } from '../../api/auth/doer-of.ts'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { newId } from '../../lib/new-id.ts'
import type { UserRecord } from '../../store/records.ts'
import type { Uses, Writes } from '../../store/store.ts'

/** Adds creating and removing users, and changing their roles. */
export function addUserRoutes(server: HttpServer, store: Uses<'transact'>): void {
  route(server, ENDPOINTS.addUser, async (request) => {
    const user = { id: newId('user'), ...request.body, createdAt: Date.now() }
    await store.transact(async (write) => {
      await write.users.insert(user)
      const after = { role: user.role }
      write.audit.add(doerOf(request), { action: 'user.added', subject: user, after })
    })
    return { user }
  })
  route(server, ENDPOINTS.changeUser, async (request) => {
    const { role } = request.body
    const { result: user } = await store.transact(async (write) => {
      const found = await getUser(write, request.params.user)
      await write.users.setRole(found.id, role)
      const facts = { before: { role: found.role }, after: { role } }
      write.audit.add(doerOf(request), { action: 'user.role_changed', subject: found, ...facts })
      return { ...found, role }
    })
    return { user }
  })
  route(server, ENDPOINTS.removeUser, async (request) => {
    await store.transact(async (write) => {
      const user = await getUser(write, request.params.user)
      await write.users.remove(user.id)
      const before = { role: user.role }
      write.audit.add(doerOf(request), { action: 'user.removed', subject: user, before })
    })
    return { ok: true } as const
  })
}

async function getUser(write: Writes<'users'>, idOrName: string): Promise<UserRecord> {
  const found = await write.users.find(idOrName)
  if (found) return found
  throw new NarwhalError('not_found', `there is no user ${JSON.stringify(idOrName)}`)
}
