import type { Doer } from '../../core/audit/audit.ts'
import { newId } from '../../lib/new-id.ts'
import type { UserRecord } from '../../store/records.ts'
import type { Writes } from '../../store/store.ts'

/** The first administrator; created, with the name `admin`, if there is none. */
export async function firstAdmin(write: Writes<'audit' | 'users'>, by: Doer): Promise<UserRecord> {
  const admins = (await write.users.list()).filter(({ role }) => role === 'admin')
  const [first] = admins.toSorted((one, other) => one.createdAt - other.createdAt)
  if (first) return first
  const user = { id: newId('user'), name: 'admin', role: 'admin', createdAt: Date.now() } as const
  await write.users.insert(user)
  write.audit.add(by, { action: 'user.added', subject: user, after: { role: user.role } })
  return user
}
