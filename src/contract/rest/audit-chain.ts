import { createHash } from 'node:crypto'
import type { Facts } from '../../core/audit/audit.ts'

/** An entry of the audit log but for its place in the chain. */
export interface AuditEntry {
  readonly at: number
  readonly actor: { readonly kind: string; readonly id: string; readonly name: string }
  readonly address: string
  readonly cause: string
  readonly action: string
  readonly subject: { readonly kind: string; readonly id: string; readonly name: string }
  readonly before?: Facts | undefined
  readonly after?: Facts | undefined
}

/** An entry in its place: they are numbered from 1, without holes. */
export interface ChainedEntry extends AuditEntry {
  readonly seq: number
  /** `chainHash` of the entry before, the number, and all of this one. */
  readonly hash: string
}

/** Where the chain stands. */
export interface AuditHead {
  /** The number and hash of the newest entry; 0 and empty before the first. */
  readonly last: number
  readonly hash: string
  /** Those of the newest entry that retention has removed; 0 and empty when it has removed none. */
  readonly removed: number
  readonly removedHash: string
}

/** All that an entry says, as one text; the same for all who compute it. */
export function auditText({ at, actor, address, cause, action, subject, ...facts }: AuditEntry) {
  const { before = null, after = null } = facts
  const who = [actor.kind, actor.id, actor.name, address, cause]
  return JSON.stringify([
    at,
    ...who,
    action,
    subject.kind,
    subject.id,
    subject.name,
    sorted(before),
    sorted(after),
  ])
}

function sorted(facts: Facts | null): Facts | null {
  if (facts === null) return null
  const pairs = Object.entries(facts)
  return Object.fromEntries(pairs.toSorted(([one], [other]) => (one < other ? -1 : 1)))
}

/** SHA-256, hexadecimal; PostgreSQL computes it by itself, see `store/sql/audit/audit-append.ts`. */
export function chainHash(former: string, seq: number, text: string): string {
  return createHash('sha256').update(`${former}\n${seq}\n${text}`).digest('hex')
}

/**
 * Follows a chain from an entry on, and says what is wrong where it breaks: an entry that was changed,
 * put in, or is missing.
 */
export class ChainCheck {
  #seq: number
  #hash: string

  /** `after`: the entry before the first that will be given. */
  constructor(after: { readonly seq: number; readonly hash: string }) {
    this.#seq = after.seq
    this.#hash = after.hash
  }

  get seq(): number {
    return this.#seq
  }

  get hash(): string {
    return this.#hash
  }

  /** What is wrong with the next entry; undefined: nothing. */
  next(entry: ChainedEntry): string | undefined {
    const expected = this.#seq + 1
    if (entry.seq > expected) {
      const last = entry.seq - 1
      const which =
        last === expected ? `entry ${expected} is` : `entries ${expected} to ${last} are`
      return `${which} missing`
    }
    if (entry.seq < expected) return `entry ${entry.seq} is there twice`
    if (chainHash(this.#hash, entry.seq, auditText(entry)) !== entry.hash) {
      return `entry ${entry.seq} was changed, or the one before it`
    }
    this.#seq = entry.seq
    this.#hash = entry.hash
    return undefined
  }
}
