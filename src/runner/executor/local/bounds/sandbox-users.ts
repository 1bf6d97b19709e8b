import { randomInt } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { NarwhalError } from '../../../../lib/errors.ts'

/** A user of this machine by uid; a sandbox's own while it has it. */
export interface SandboxUser {
  readonly uid: number
  readonly gid: number
}

/** The uids from `first` up to, but not including, `end`. */
export interface UserRange {
  readonly first: number
  readonly end: number
}

/**
 * Uids that no distribution, service manager or directory assigns: those of people and services are far
 * below, those of containers end at 1,879,048,191 (https://systemd.io/UIDS-GIDS/).
 */
const UNUSED: UserRange = { first: 1_879_048_192, end: 2_147_000_000 }
/** If a container's root lacks those: the range of systemd's dynamic users, which are transient. */
const DYNAMIC: UserRange = { first: 61_184, end: 65_520 }
/** Among this many uids chance collisions are negligible. */
const MANY = 2 ** 24
const TRIES = 100

/** The range from which root may choose users, by /proc/self/uid_map; undefined: it has too few. */
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
 * Gives each sandbox of a root runner a user of its own, so that everything that the kernel counts and
 * permits by user (processes, signals, keys, files) is separate for each job. A uid is chosen at random, so
 * that runners that don't know of each other choose different ones, and leftovers of earlier jobs meet
 * nobody; in a small range, never one with running processes.
 */
export class SandboxUsers {
  readonly #range: UserRange
  readonly #taken = new Set<number>()

  constructor(range: UserRange) {
    this.#range = range
  }

  /** The range that this process may use; undefined: too few for one each. */
  static find(): SandboxUsers | undefined {
    const range = usersToChooseFrom(readFileSync('/proc/self/uid_map', 'utf8'))
    return range && new SandboxUsers(range)
  }

  /** Takes one until its disposal; throws `exhausted` if none is free. */
  take(): SandboxUser & Disposable {
    const { first, end } = this.#range
    const busy = end - first < MANY ? usersAtWork(this.#range) : new Set<number>()
    for (let tries = 0; tries < TRIES; tries++) {
      const uid = randomInt(first, end)
      if (this.#taken.has(uid) || busy.has(uid)) continue
      this.#taken.add(uid)
      return { uid, gid: uid, [Symbol.dispose]: () => void this.#taken.delete(uid) }
    }
    throw new NarwhalError(
      'exhausted',
      'no user is free for a sandbox: too many sandboxes are running',
    )
  }
}

/** Uids of running processes, including leftovers of jobs of any runner. */
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
