import type { StateChange } from '../contract/live/live-event.ts'
import type { DatabaseRoom } from '../core/database-room.ts'
import type { AccountReader, AccountWriter } from './ports/accounts.ts'
import type { AuditReader, AuditWriter } from './ports/audit.ts'
import type { ChangeReader, ChangeWriter } from './ports/changes.ts'
import type { DispatcherReader, DispatcherWriter } from './ports/dispatchers.ts'
import type { DeliveryReader, DeliveryWriter, EventReader, EventWriter } from './ports/events.ts'
import type { GroupReader, GroupWriter } from './ports/groups.ts'
import type { IdTokenReader, IdTokenWriter } from './ports/id-tokens.ts'
import type { JobReader, JobWriter } from './ports/jobs.ts'
import type { JoinTokenReader, JoinTokenWriter } from './ports/join-tokens.ts'
import type { LogReader, LogWriter } from './ports/logs.ts'
import type { PipelineReader, PipelineWriter } from './ports/pipelines.ts'
import type {
  HeadReader,
  HeadWriter,
  RepositoryReader,
  RepositoryWriter,
} from './ports/repositories.ts'
import type { RetentionReader, RetentionWriter } from './ports/retention.ts'
import type { RunnerReader, RunnerWriter } from './ports/runners.ts'
import type { SealingReader, SealingWriter } from './ports/sealing.ts'
import type { SecretReader, SecretWriter } from './ports/secrets.ts'
import type {
  ForwarderReader,
  ForwarderWriter,
  SessionReader,
  SessionWriter,
  SignInLinkWriter,
} from './ports/sessions.ts'
import type {
  ForgeLinkReader,
  ForgeLinkWriter,
  StatusReader,
  StatusWriter,
} from './ports/statuses.ts'
import type { TokenReader, TokenWriter } from './ports/tokens.ts'
import type { UserReader, UserWriter } from './ports/users.ts'

/**
 * The truth about everything. Queue messages and live events only hint at what is written here.
 *
 * - All that is written in one `transact` is on disk when it resolves, or nothing of it is.
 * - Every change of a pipeline, job or runner in it is numbered and kept as a state change (with
 *   the whole new view), in the same transaction; numbers become visible in ascending order, so
 *   whoever has read up to n has missed nothing before n. The changes are returned to be told.
 * - Rejects with `unavailable` while the database is away (nothing was written, or it can't be
 *   known; every write here may be repeated), `conflict` when a version or a fence is not the newest,
 *   `stale` when the writer's seat or pipeline is another's by now,
 *   `not_found` when a row is written that belongs to one that is not there, and `exhausted` when
 *   its disk is full.
 * - Reads see what was committed and never wait for writers.
 * - All text is kept, except that NUL and halves of surrogate pairs may come back as U+2400 and
 *   U+FFFD; the text of logs comes back unchanged.
 */
export interface Store extends StoreReader, AsyncDisposable {
  /**
   * Runs `work`, which may be run again from its start when another transaction got in its way. It
   * lets the writer's errors through, begins no other transaction, and waits for nothing but the
   * writer's methods, one after the other: with SQLite, all other writers wait for it.
   */
  transact<Result>(
    work: (write: StoreWriter) => Promise<Result>,
  ): Promise<{ result: Result; changes: StateChange[] }>
  /** How much room the database has. */
  room(): Promise<DatabaseRoom>
  /**
   * Gives some of what is free inside the database back to its disk, in some milliseconds; false when there is
   * nothing to be given back, or another has to (PostgreSQL's own vacuum).
   */
  giveBack(): Promise<boolean>
  /** Resolves when the database answers; rejects with `unavailable`. */
  ping(): Promise<void>
  /**
   * Sees to it that what was taken out is in no file of the database any more, as far as that is this process's to
   * say: false where readers hold older states, or another has to (PostgreSQL's own vacuum).
   */
  wipe(): Promise<boolean>
}

/** What can be read, an entity each. Whoever needs a few of them asks for those: `Pick<StoreReader, 'jobs' | 'logs'>`. */
export interface StoreReader {
  readonly repositories: RepositoryReader
  readonly heads: HeadReader
  readonly events: EventReader
  readonly deliveries: DeliveryReader
  readonly pipelines: PipelineReader
  readonly jobs: JobReader
  readonly groups: GroupReader
  readonly logs: LogReader
  readonly dispatchers: DispatcherReader
  readonly runners: RunnerReader
  readonly users: UserReader
  readonly tokens: TokenReader
  readonly sessions: SessionReader
  readonly forwarders: ForwarderReader
  readonly joinTokens: JoinTokenReader
  readonly forgeLinks: ForgeLinkReader
  readonly statuses: StatusReader
  readonly secrets: SecretReader
  readonly idTokens: IdTokenReader
  readonly sealing: SealingReader
  readonly accounts: AccountReader
  readonly changes: ChangeReader
  readonly audit: AuditReader
  /** What is kept, and for how long. */
  readonly retention: RetentionReader
}

/** What can be done in a transaction; its reads see what the transaction wrote. */
export interface StoreWriter extends StoreReader {
  readonly repositories: RepositoryWriter
  readonly heads: HeadWriter
  readonly events: EventWriter
  readonly deliveries: DeliveryWriter
  readonly pipelines: PipelineWriter
  readonly jobs: JobWriter
  readonly groups: GroupWriter
  readonly logs: LogWriter
  readonly dispatchers: DispatcherWriter
  readonly runners: RunnerWriter
  readonly users: UserWriter
  readonly tokens: TokenWriter
  readonly sessions: SessionWriter
  readonly signInLinks: SignInLinkWriter
  readonly forwarders: ForwarderWriter
  readonly joinTokens: JoinTokenWriter
  readonly forgeLinks: ForgeLinkWriter
  readonly statuses: StatusWriter
  readonly secrets: SecretWriter
  readonly idTokens: IdTokenWriter
  readonly sealing: SealingWriter
  readonly accounts: AccountWriter
  readonly changes: ChangeWriter
  readonly audit: AuditWriter
  readonly retention: RetentionWriter
}
