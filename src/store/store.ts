import type { StateChange } from '../contract/live/live-event.ts'
import type { DatabaseRoom } from '../core/database-room.ts'
import type { AccountReader, AccountWriter } from './ports/accounts.ts'
import type { AuditReader, AuditWriter } from './ports/audit.ts'
import type { ChangeReader, ChangeWriter } from './ports/changes.ts'
import type { DispatcherReader, DispatcherWriter } from './ports/dispatchers.ts'
import type {
  DeliveryReader,
  DeliveryWriter,
  EventReader,
  EventWriter,
  LookupReader,
  LookupWriter,
} from './ports/events.ts'
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
 * The source of truth. Queue messages and live events are only hints at what is written here.
 *
 * - `transact` is atomic and durable: when it resolves, everything it wrote is on disk.
 * - Every change of a pipeline, job or runner is numbered and stored as a state change (with the whole
 *   new view) in the same transaction. Numbers become visible in ascending order, so a reader that has
 *   read up to n has missed nothing before n. The changes are returned to be published.
 * - Rejects with `unavailable` while the database is unreachable (nothing was written, or the outcome
 *   is unknown; every write is idempotent), `conflict` if a version or a fence is not the newest,
 *   `stale` if another dispatcher has taken over the writer's seat or pipeline, `not_found` if a row
 *   refers to one that does not exist, and `exhausted` if the disk is full.
 * - Reads see committed data and never wait for writers.
 * - All text is kept, except that NUL and halves of surrogate pairs may come back as U+2400 and
 *   U+FFFD; the text of logs comes back unchanged.
 */
export interface Store extends StoreReader, AsyncDisposable {
  /**
   * Runs `work`, which may be retried from its start after a conflict with another transaction. It must
   * pass on the writer's errors, start no other transaction, and await only the writer's methods, one
   * after the other: with SQLite all other writers wait for it.
   */
  transact<Result>(
    work: (write: StoreWriter) => Promise<Result>,
  ): Promise<{ result: Result; changes: StateChange[] }>
  /** Used and free space of the database. */
  room(): Promise<DatabaseRoom>
  /**
   * Returns some of the database's free pages to the file system, in a few milliseconds; false if there
   * are none, or it is left to PostgreSQL's vacuum.
   */
  giveBack(): Promise<boolean>
  /** Resolves if the database answers; else rejects with `unavailable`. */
  ping(): Promise<void>
  /**
   * Erases removed text from the database's files, as far as this process can: false if readers hold
   * older snapshots, or it is left to PostgreSQL's vacuum.
   */
  wipe(): Promise<boolean>
}

/** Read access, by entity. Consumers of a few entities take `Pick<StoreReader, 'jobs' | 'logs'>`. */
export interface StoreReader {
  readonly repositories: RepositoryReader
  readonly heads: HeadReader
  readonly events: EventReader
  readonly deliveries: DeliveryReader
  readonly lookups: LookupReader
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
  readonly retention: RetentionReader
}

/** Access within a transaction; reads see the transaction's own writes. */
export interface StoreWriter extends StoreReader {
  readonly repositories: RepositoryWriter
  readonly heads: HeadWriter
  readonly events: EventWriter
  readonly deliveries: DeliveryWriter
  readonly lookups: LookupWriter
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

/** The ports of the store that a part reads from: `Reads<'jobs' | 'logs'>`. */
export type Reads<Port extends keyof StoreReader> = Pick<StoreReader, Port>

/** The ports that a part writes to, inside a transaction of its caller. */
export type Writes<Port extends keyof StoreWriter> = Pick<StoreWriter, Port>

/** The ports that a part reads from, and `transact` if it writes. */
export type Uses<Port extends keyof Store> = Pick<Store, Port>
