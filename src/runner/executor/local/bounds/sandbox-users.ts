import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { NarwhalError } from '../../../../lib/errors.ts'

/** A user of this machine by number; nobody else is it while a sandbox has it. */
export interface SandboxUser {
  readonly uid: number
  readonly gid: number
}

/** The numbers from `first` up to and without `end`. */
export interface UserRange {
  readonly first: number
  readonly end: number
}

/**
 * Numbers that no distribution, service manager or directory gives out: those of people and services
 * are far below, those of containers end at 1,879,048,191 (https://systemd.io/UIDS-GIDS/).
 */
const UNUSED: UserRange = { first: 1_879_048_192, end: 2_147_000_000 }
/** Where a container's root has no such numbers: those for what a service manager starts, and forgets. */
const DYNAMIC: UserRange = { first: 61_184, end: 65_520 }
/** Among so many numbers none is met twice by chance. */
const MANY = 2 ** 24
const TRIES = 100

/** From where a root may choose users, by what /proc/self/uid_map says; undefined: it has too few. */
export function usersToChooseFrom(map: string): UserRange | undefined {
  const extents = map
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([first = 0, , count = 0]) => ({ first, end: first + count }))
  const isWithin = (range: UserRange): boolean =>
    extents.some(({ first, end }) => first <= range.first && range.end <= end)
  return [UNUSED, DYNAMIC].find(isWithin)
}

/**
 * Gives each sandbox of a root runner a user of its own: what the kernel counts and allows by user
 * (processes, signals, keys, files) is then each job's alone. A number is chosen by chance, so that
 * runners that don't know of each other choose differently, and what a former job has left meets nobody; where there
 * are few numbers, never one under which anything runs.
 */
export class SandboxUsers {
  readonly #range: UserRange
  readonly #taken = new Set<number>()

  constructor(range: UserRange) {
    this.#range = range
  }

  /** Those that this process may have; undefined: too few for one each. */
  static find(): SandboxUsers | undefined {
    const range = usersToChooseFrom(readFileSync('/proc/self/uid_map', 'utf8'))
    return range && new SandboxUsers(range)
  }

  /** Takes one until its disposal; throws `exhausted` where none is free. */
  take(): SandboxUser & Disposable {
    const { first, end } = this.#range
    const busy = end - first < MANY ? usersAtWork(this.#range) : new Set<number>()
    for (let tries = 0; tries < TRIES; tries++) {
      const uid = randomInt(first, end)
      if (this.#taken.has(uid) || busy.has(uid)) continue
      this.#taken.add(uid)
      return { uid, gid: uid, [Symbol.dispose]: () => void this.#taken.delete(uid) }
    }
    throw new NarwhalError('exhausted', 'no user is free for a sandbox: too many run already')
  }
}

/** Under whom something runs now, a job's leftovers too, whichever runner's they were. */
function usersAtWork(range: UserRange): ReadonlySet<number> {
  const users = new Set<number>()
  for (const name of readdirSync('/proc')) {
    const first = name.charCodeAt(0)
    if (first < 48 || first > 57) continue
    const uid = statSync(`/proc/${name}`, { throwIfNoEntry: false })?.uid
    if (uid !== undefined && uid >= range.first && uid < range.end) users.add(uid)
  }
  return users
}
