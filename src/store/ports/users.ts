import type { Role } from '../../core/access/role.ts'
import type { UserId } from '../../core/ids.ts'
import type { UserRecord } from '../records.ts'

/** Users and their roles. */
export interface UserReader {
  find(idOrName: string): Promise<UserRecord | undefined>
  /** By name. */
  list(): Promise<UserRecord[]>
}

export interface UserWriter extends UserReader {
  /** Rejects with `conflict` if the name is taken. */
  insert(user: UserRecord): Promise<void>
  /** Rejects with `conflict`, as does `remove`, if no administrator would be left. */
  setRole(id: UserId, role: Role): Promise<void>
  /** Removes a user with all tokens and sessions; records of what they did keep their name. */
  remove(id: UserId): Promise<void>
}
