import { doerOf } from '../../api/auth/doer-of.ts'
import { accepted, changedUser, newUser, shownUser, userParams } from '../../contract/rest/rest.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { newId } from '../../lib/new-id.ts'
import type { UserRecord } from '../../store/records.ts'
import type { Store, StoreWriter } from '../../store/store.ts'

/** Adds making and removing users, and giving them another role. */
export function addUserRoutes(server: HttpServer, store: Store): void {
  const tags = ['users']
  server.post('/api/v1/users', {
    schema: {
      summary: 'Add a user, who gets tokens by `POST /api/v1/tokens`',
      tags,
      body: newUser,
      response: { 201: shownUser },
    },
    handler: async (request, reply) => {
      const user = { id: newId('user'), ...request.body, createdAt: Date.now() }
      await store.transact(async (write) => {
        await write.insertUser(user)
        const after = { role: user.role }
        write.audit(doerOf(request), { action: 'user.added', subject: user, after })
      })
      return reply.code(201).send({ user })
    },
  })
  server.patch('/api/v1/users/:user', {
    schema: {
      summary: 'Give a user another role',
      tags,
      params: userParams,
      body: changedUser,
      response: { 200: shownUser },
    },
    handler: async (request) => {
      const { role } = request.body
      const { result: user } = await store.transact(async (write) => {
        const found = await getUser(write, request.params.user)
        await write.setRole(found.id, role)
        const facts = { before: { role: found.role }, after: { role } }
        write.audit(doerOf(request), { action: 'user.role_changed', subject: found, ...facts })
        return { ...found, role }
      })
      return { user }
    },
  })
  server.delete('/api/v1/users/:user', {
    schema: {
      summary: 'Remove a user and all their tokens; what they did keeps their name',
      tags,
      params: userParams,
      response: { 200: accepted },
    },
    handler: async (request) => {
      await store.transact(async (write) => {
        const user = await getUser(write, request.params.user)
        await write.removeUser(user.id)
        const before = { role: user.role }
        write.audit(doerOf(request), { action: 'user.removed', subject: user, before })
      })
      return { ok: true } as const
    },
  })
}

async function getUser(write: StoreWriter, idOrName: string): Promise<UserRecord> {
  const found = await write.findUser(idOrName)
  if (found) return found
  throw new NarwhalError('not_found', `there is no user ${JSON.stringify(idOrName)}`)
}
