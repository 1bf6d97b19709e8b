import type { Role } from '../../core/access/role.ts'
import type { UserId } from '../../core/ids.ts'
import type { UserRecord } from '../records.ts'

/** Who may sign in, and what each may do. */
export interface UserReader {
  find(idOrName: string): Promise<UserRecord | undefined>
  /** By name. */
  list(): Promise<UserRecord[]>
}

export interface UserWriter extends UserReader {
  /** Rejects with `conflict` when the name is taken. */
  insert(user: UserRecord): Promise<void>
  /** Rejects with `conflict`, here and below, where no administrator would be left. */
  setRole(id: UserId, role: Role): Promise<void>
  /** With all their tokens; what they did keeps their name. */
  remove(id: UserId): Promise<void>
}
