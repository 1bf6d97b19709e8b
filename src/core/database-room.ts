import { bytesInWords } from './attempt/log-limit.ts'

/** How much room the database has, in bytes. */
export interface DatabaseRoom {
  /** What it takes of its disk. */
  readonly usedBytes: number
  /** What of that is free inside, for what comes. */
  readonly freeInsideBytes: number
  /** What its disk has left; absent: it can't be known. */
  readonly freeOutsideBytes?: number
  /** Rows that were removed and still take room, until the database cleans up; absent: it keeps none. */
  readonly deadRows?: number
}

export interface RoomRules {
  readonly reserveBytes: number
  /** How large the database may become; absent: as its disk has it. */
  readonly mostBytes?: number | undefined
}

/** What is left for what comes; undefined where nothing says so. What is free inside counts. */
export function roomLeft(room: DatabaseRoom, { mostBytes }: RoomRules): number | undefined {
  const { usedBytes, freeInsideBytes, freeOutsideBytes } = room
  const ways = [
    ...(freeOutsideBytes === undefined ? [] : [freeOutsideBytes]),
    ...(mostBytes === undefined ? [] : [Math.max(0, mostBytes - usedBytes)]),
  ]
  return ways.length === 0 ? undefined : freeInsideBytes + Math.min(...ways)
}

/** Why no new job starts, for a person; undefined: there is room. */
export function describeShortage(room: DatabaseRoom, rules: RoomRules): string | undefined {
  const left = roomLeft(room, rules)
  if (left === undefined || left >= rules.reserveBytes) return undefined
  const has = `the database has room for ${bytesInWords(left)} more`
  return `${has}, and no job starts with less than ${bytesInWords(rules.reserveBytes)} (--database-reserve)`
}
