import type { Role } from '../../../core/access/role.ts'
import type { UserId } from '../../../core/ids.ts'
import type { UserRecord } from '../../records.ts'
import type { UserRow } from '../tables.ts'

export function userOf(row: UserRow): UserRecord {
  return {
    id: row.id as UserId,
    name: row.name,
    role: row.role as Role,
    createdAt: row.created_at,
  }
}
