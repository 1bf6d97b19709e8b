import { createHash } from 'node:crypto'
import type { Facts } from '../../core/audit/audit.ts'

/** An entry of the audit log, without its place in the chain. */
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

/** An entry in the chain: numbered from 1 without gaps. */
export interface ChainedEntry extends AuditEntry {
  readonly seq: number
  /** `chainHash` of the previous entry's hash, the number and this entry's text. */
  readonly hash: string
}

/** The head of the chain. */
export interface AuditHead {
  /** The number and hash of the newest entry; 0 and empty before the first. */
  readonly last: number
  readonly hash: string
  /** Those of the newest entry removed by retention; 0 and empty if there is none. */
  readonly removed: number
  readonly removedHash: string
}

/** The canonical text of an entry. */
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

/** SHA-256, hexadecimal; PostgreSQL computes it itself, see `store/sql/audit/audit-append.ts`. */
export function chainHash(former: string, seq: number, text: string): string {
  return createHash('sha256').update(`${former}\n${seq}\n${text}`).digest('hex')
}

/**
 * Verifies a chain from an entry on, and reports where it breaks: an entry that was changed, inserted or
 * removed.
 */
export class ChainCheck {
  #seq: number
  #hash: string

  /** `after`: the entry before the first one to be checked. */
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

  /** What is wrong with the next entry, if anything. */
  next(entry: ChainedEntry): string | undefined {
    const expected = this.#seq + 1
    if (entry.seq > expected) {
      const last = entry.seq - 1
      const which =
        last === expected ? `entry ${expected} is` : `entries ${expected} to ${last} are`
      return `${which} missing`
    }
    if (entry.seq < expected) return `entry ${entry.seq} is a duplicate`
    if (chainHash(this.#hash, entry.seq, auditText(entry)) !== entry.hash) {
      return `entry ${entry.seq} was changed, or the one before it`
    }
    this.#seq = entry.seq
    this.#hash = entry.hash
    return undefined
  }
}
