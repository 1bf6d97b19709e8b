import type { AuditHead, ChainedEntry } from '../../contract/rest/audit-chain.ts'
import type { AuditEvent, Doer } from '../../core/audit/audit.ts'
import type { AuditAction } from '../../core/audit/audit-actions.ts'

/** Which entries of the audit log; all conditions must hold. */
export interface AuditQuery {
  /** The name of who did it. */
  readonly actor?: string | undefined
  readonly action?: AuditAction | undefined
  /** The id or the name of what it was done to. */
  readonly subject?: string | undefined
  /** The name of a secret that was set, removed, or given to a job. */
  readonly secret?: string | undefined
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** Only those older than this one: the next page. */
  readonly before?: AuditPlace | undefined
  readonly limit: number
}

/** An entry's place in the order of time. */
export interface AuditPlace {
  readonly at: number
  readonly seq: number
}

export interface AuditPage {
  readonly entries: ChainedEntry[]
  /** Where it goes on; absent: these were the last. */
  readonly next?: AuditPlace
}

/** What retention has removed of the audit log: so many, up to this one. */
export interface PrunedAudit {
  readonly rows: number
  readonly through: number
  readonly hash: string
}

/** The audit log. */
export interface AuditReader {
  /** Newest first. */
  list(query: AuditQuery): Promise<AuditPage>
  /** Entries with numbers above `after`, ascending, at most `limit`. */
  read(after: number, limit: number): Promise<ChainedEntry[]>
  head(): Promise<AuditHead>
}

export interface AuditWriter extends AuditReader {
  /**
   * Has the transaction write down who does what in it, at its end: either both are done or neither is.
   * Whatever changes rights, secrets, tokens, repositories, runners or approvals calls it.
   */
  add(by: Doer, event: AuditEvent): void
  /**
   * Removes the oldest entries, at most `limit`, up to the first that is not older
   * than `before`; that it did so is written down. Returns how many they were.
   */
  prune(by: Doer, which: { before: number; limit: number }): Promise<number>
}
