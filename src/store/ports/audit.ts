import type { AuditHead, ChainedEntry } from '../../contract/rest/audit-chain.ts'
import type { AuditEvent, Doer } from '../../core/audit/audit.ts'
import type { AuditAction } from '../../core/audit/audit-actions.ts'

/** A filter of the audit log; all conditions must hold. */
export interface AuditQuery {
  /** The actor's name. */
  readonly actor?: string | undefined
  readonly action?: AuditAction | undefined
  /** The id or the name of the subject. */
  readonly subject?: string | undefined
  /** The name of a secret that was set, removed or passed to a job. */
  readonly secret?: string | undefined
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** Only those older than this one: the next page. */
  readonly before?: AuditPlace | undefined
  readonly limit: number
}

/** An entry's position in chronological order. */
export interface AuditPlace {
  readonly at: number
  readonly seq: number
}

export interface AuditPage {
  readonly entries: ChainedEntry[]
  /** The start of the next page; absent: this was the last. */
  readonly next?: AuditPlace
}

/** What retention has removed from the audit log: this many entries, up to this one. */
export interface PrunedAudit {
  readonly rows: number
  readonly through: number
  readonly hash: string
}

/** The audit log. */
export interface AuditReader {
  /** Newest first. */
  list(query: AuditQuery): Promise<AuditPage>
  /** At most `limit` entries with numbers above `after`, ascending. */
  read(after: number, limit: number): Promise<ChainedEntry[]>
  head(): Promise<AuditHead>
}

export interface AuditWriter extends AuditReader {
  /**
   * Adds an entry that the transaction writes at its end, so that the change and its entry are atomic.
   * Required for every change of rights, secrets, tokens, repositories, runners or approvals.
   */
  add(by: Doer, event: AuditEvent): void
  /**
   * Removes at most `limit` of the oldest entries, up to the first that is not older than `before`,
   * and adds an entry about it. Returns their number.
   */
  prune(by: Doer, which: { before: number; limit: number }): Promise<number>
}
