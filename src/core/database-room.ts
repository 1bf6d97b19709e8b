import { bytesInWords } from './attempt/log-limit.ts'

/** The database's disk usage, in bytes. */
export interface DatabaseRoom {
  readonly usedBytes: number
  /** Free space inside the database files. */
  readonly freeInsideBytes: number
  /** Free space on its disk; absent: unknown. */
  readonly freeOutsideBytes?: number
  /** Deleted rows not yet vacuumed; absent: the database has none. */
  readonly deadRows?: number
}

export interface RoomRules {
  readonly reserveBytes: number
  /** The maximum size of the database; absent: limited by its disk only. */
  readonly mostBytes?: number | undefined
}

/** The space left, including free space inside the files; undefined if unknown. */
export function roomLeft(room: DatabaseRoom, { mostBytes }: RoomRules): number | undefined {
  const { usedBytes, freeInsideBytes, freeOutsideBytes } = room
  const ways = [
    ...(freeOutsideBytes === undefined ? [] : [freeOutsideBytes]),
    ...(mostBytes === undefined ? [] : [Math.max(0, mostBytes - usedBytes)]),
  ]
  return ways.length === 0 ? undefined : freeInsideBytes + Math.min(...ways)
}

/** Why no new job starts; undefined: there is enough space. */
export function describeShortage(room: DatabaseRoom, rules: RoomRules): string | undefined {
  const left = roomLeft(room, rules)
  if (left === undefined || left >= rules.reserveBytes) return undefined
  const has = `the database has room for ${bytesInWords(left)} more`
  return `${has}, and no job starts with less than ${bytesInWords(rules.reserveBytes)} (--database-reserve)`
}
