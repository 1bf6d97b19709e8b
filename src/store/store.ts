import type { StateChange } from '../contract/live/live-event.ts'
import type { AuditHead, ChainedEntry } from '../contract/rest/audit-chain.ts'
import type { JobView, LogLine, PipelineView, RunnerView } from '../contract/rest/views.ts'
import type { Role } from '../core/access/role.ts'
import type { LogChunk } from '../core/attempt/log-chunk.ts'
import type { AuditEvent, Doer } from '../core/audit/audit.ts'
import type { AuditAction } from '../core/audit/audit-actions.ts'
import type { CommitEvent } from '../core/commit-event.ts'
import type { Concurrency, GroupMember } from '../core/concurrency/concurrency.ts'
import type { DatabaseRoom } from '../core/database-room.ts'
import type { WebhookForge } from '../core/forges.ts'
import type {
  AttemptRef,
  DispatcherId,
  EventId,
  JobId,
  PipelineId,
  RepositoryId,
  RunnerId,
  UserId,
} from '../core/ids.ts'
import type { Job } from '../core/job/job.ts'
import type { Outcome } from '../core/outcome.ts'
import type { Pipeline, PipelineStatus } from '../core/pipeline/pipeline.ts'
import type { Runner } from '../core/runner/runner.ts'
import type { AuthorReader, AuthorWriter } from './authors.ts'
import type { CredentialReader, CredentialWriter } from './credentials.ts'
import type {
  AcceptedEvent,
  CreatedPipeline,
  DeliveryRecord,
  DispatcherRecord,
  ForgeIds,
  ForgeLinkRecord,
  ForgeRefusal,
  Head,
  IdTokenKeyRecord,
  JoinTokenRecord,
  NewPipeline,
  PendingEvent,
  PipelineDetail,
  PlacedAttempt,
  RepositoryHead,
  RepositoryRecord,
  SecretRecord,
  StatusKey,
  StrangerRules,
  TokenRecord,
  ToldStatusRecord,
  UserRecord,
} from './records.ts'
import type { RedactionReader, RedactionWriter, Wiping } from './redactions.ts'
import type { RetentionReader, RetentionWriter } from './retention.ts'

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
export interface Store extends StoreReader, Wiping, AsyncDisposable {
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
}

/** How much text of a log one read brings, roughly: a job may print endless lines. */
export const LOG_READ_CHARACTERS = 1024 * 1024

export interface StoreReader extends CredentialReader, RedactionReader, AuthorReader {
  /** Names are compared without regard to case, here and wherever they must be unique. */
  findRepository(idOrName: string): Promise<RepositoryRecord | undefined>
  /** Those of the ids that are registered, in no order. */
  findRepositories(ids: readonly string[]): Promise<RepositoryRecord[]>
  /**
   * Each by the forge's numeric id where one has it, else by the full name among those of the forge
   * whose id is not known yet; in the same order, undefined for those that are not there.
   */
  findForgeRepositories(
    forge: WebhookForge,
    repositories: readonly ForgeName[],
  ): Promise<(RepositoryRecord | undefined)[]>
  listRepositories(): Promise<RepositoryRecord[]>
  listHeads(repositoryId: RepositoryId): Promise<Head[]>

  /** Those of the ids that are known, in no order. */
  findDeliveries(forge: WebhookForge, deliveryIds: readonly string[]): Promise<DeliveryRecord[]>
  findEvent(id: EventId): Promise<CommitEvent | undefined>
  /** Events of registered repositories without a pipeline, oldest first. */
  listPendingEvents(query: PendingQuery): Promise<PendingEvent[]>

  /** All as it was at one moment; also of a repository that was removed. */
  findPipeline(id: PipelineId): Promise<PipelineDetail | undefined>
  findPipelineView(id: PipelineId): Promise<PipelineView | undefined>
  /**
   * Newest first. A search lets others have their turn again and again, and ends with the signal, by its
   * reason; pipelines that come meanwhile may be missing.
   */
  listPipelineViews(filter: PipelineFilter, signal?: AbortSignal): Promise<PipelineView[]>
  /** Ids of pipelines that have not ended, oldest first. */
  listOpenPipelines(): Promise<PipelineId[]>
  /** Pipelines that wait for approval, those that have waited longest first. */
  listAwaiting(query: AwaitingQuery): Promise<PipelineView[]>
  /** Open pipelines of a dispatcher, each with the term under which it has them; in no order. */
  listPipelinesOf(by: DispatcherId): Promise<{ id: PipelineId; term: number }[]>

  findJob(id: JobId): Promise<Job | undefined>
  findJobView(id: JobId): Promise<JobView | undefined>
  /** Jobs of open pipelines that wait for a runner, those that came first first. */
  listQueuedJobs(limit: number): Promise<QueuedJob[]>
  /** Those in a group of a repository that have not ended, in the order of `compareMembers`; 300 at most. */
  listGroup(
    repositoryId: RepositoryId,
    group: string,
    ofStrangers?: boolean,
  ): Promise<GroupMember[]>
  /** In the order of the file. */
  listJobViews(pipelineId: PipelineId): Promise<JobView[]>
  /** Attempts of all jobs, those that a runner was chosen for last first. */
  listPlacements(limit: number): Promise<PlacedAttempt[]>

  /**
   * Lines from `from` (counting from 0), at most `limit`; fewer at the end, and where those that
   * are returned have LOG_READ_CHARACTERS or more: then the next read goes on behind them.
   */
  readLog(log: AttemptRef, from: number, limit: number): Promise<LogLine[]>
  /**
   * Chunks of a log as they are stored, from the one with line `from` on: some of them, a few
   * megabytes at most; none at the end.
   */
  readLogChunks(log: AttemptRef, from: number): Promise<StoredChunk[]>

  /** The seats that nobody has ended yet, oldest first. */
  listDispatchers(): Promise<DispatcherRecord[]>

  findRunner(idOrName: string): Promise<Runner | undefined>
  findRunnerByIdentity(hash: string): Promise<Runner | undefined>
  listRunners(): Promise<Runner[]>
  listRunnerViews(): Promise<RunnerView[]>

  findUser(idOrName: string): Promise<UserRecord | undefined>
  /** By name. */
  listUsers(): Promise<UserRecord[]>

  listForgeLinks(): Promise<ForgeLinkRecord[]>
  findForgeLink(repositoryId: RepositoryId): Promise<ForgeLinkRecord | undefined>
  findToldStatus(key: StatusKey): Promise<ToldStatusRecord | undefined>
  /** What was told, or refused, last of any commit of the repository. */
  findLastTold(repositoryId: RepositoryId): Promise<ToldStatusRecord | undefined>
  /**
   * Pipelines of linked repositories that stand otherwise than the forge was told, oldest first:
   * those that no newer one of the same commit was told of instead.
   */
  listUntold(query: UntoldQuery): Promise<PipelineView[]>

  listTokens(): Promise<TokenRecord[]>

  /** Those of a repository alone, or without one those of all; by their names. */
  listSecrets(repositoryId?: RepositoryId): Promise<SecretRecord[]>
  /**
   * Of the secrets with these names the ones that jobs of the repository get: its own, and those of
   * all where it has none of the name; in no order.
   */
  findSecrets(repositoryId: RepositoryId, names: readonly string[]): Promise<SecretRecord[]>

  /** All keys that sign id tokens, or did; oldest first. */
  listIdTokenKeys(): Promise<IdTokenKeyRecord[]>
  /** The ids by which tokens name a repository; undefined: it has given none. */
  findSubjectIds(repositoryId: RepositoryId): Promise<string | undefined>

  /** The id of the key under which values are sealed; undefined while nothing was. */
  findSealingKey(): Promise<string | undefined>

  /** Those that may still be used, and those that were used or have expired lately; oldest first. */
  listJoinTokens(): Promise<JoinTokenRecord[]>

  /**
   * State changes with numbers above `after`, ascending, at most `limit`; all, or those of one
   * pipeline and its jobs, or those of runners. `truncated`: some were already forgotten.
   */
  listChanges(query: ChangeQuery): Promise<{ changes: StateChange[]; truncated: boolean }>
  /** The number of the newest state change; 0 when there is none. */
  lastChange(): Promise<number>

  /** What is kept, and for how long. */
  readonly retention: RetentionReader

  /** Entries of the audit log, newest first. */
  listAudit(query: AuditQuery): Promise<AuditPage>
  /** Entries of the audit log with numbers above `after`, ascending, at most `limit`. */
  readAudit(after: number, limit: number): Promise<ChainedEntry[]>
  auditHead(): Promise<AuditHead>
}

/** A job that waits, with what is to be known of its pipeline. */
export interface QueuedJob {
  readonly job: Job
  readonly repositoryName: string
  /** The group that its pipeline is in. */
  readonly concurrency?: Concurrency
  readonly isStranger: boolean
}

/** A repository as its forge names it. */
export interface ForgeName {
  readonly forgeId: number
  readonly fullName: string
}

/** A chunk in its place. */
export interface StoredChunk extends LogChunk {
  /** The number of its first line. */
  readonly firstLine: number
}

/** Chunks to be appended to a log. */
export interface LogAppend extends AttemptRef {
  readonly fence: number
  /** The number of the runner's last event that is in them, or came with them. */
  readonly lastSeq: number
  /** What its runner has sent of it in all, in bytes of text; absent: as before. */
  readonly logBytes?: number
  /** The number of the first line of the first chunk; they follow one another. */
  readonly firstLine: number
  readonly chunks: readonly LogChunk[]
}

export interface PipelineFilter {
  readonly repositoryId?: RepositoryId
  /** Only those of one of these. */
  readonly repositoryIds?: readonly RepositoryId[]
  readonly status?: PipelineStatus
  readonly outcome?: Outcome
  /** A full ref, or the short name of a branch or tag. */
  readonly ref?: string
  readonly kind?: CommitEvent['kind']
  readonly author?: string
  /** Part of the title, the ref, the author, the repository's name or the start of the sha. */
  readonly text?: string
  /** Only those older than this one: the next page. */
  readonly before?: PipelineId
  readonly limit: number
}

/** Whether the filter may have to look at every pipeline: no index leads to what it wants. */
export function isSearch({ outcome, ref, kind, author, text }: PipelineFilter): boolean {
  return [outcome, ref, kind, author, text || undefined].some((wanted) => wanted !== undefined)
}

export interface AwaitingQuery {
  /** Only those of one of these. */
  readonly repositoryIds?: readonly RepositoryId[]
  /** Only those of this repository, and of this full ref. */
  readonly repositoryId?: RepositoryId
  readonly ref?: string
  /** Only those with a smaller number in their repository. */
  readonly belowNumber?: number
  /** Only those that wait since before then. */
  readonly before?: number
  /** Only those of pull requests that were closed, but for what was run again after that. */
  readonly isClosed?: true
  readonly limit: number
}

export interface PendingQuery {
  /** Only those that were received before this time. */
  readonly before: number
  readonly limit: number
  /** Only those behind this one: the next page. */
  readonly after?: PendingEvent
}

export interface UntoldQuery {
  /** Those of this dispatcher, and those that no living one has. */
  readonly by: DispatcherId
  /** Only those that were created since then, and since the repository was linked. */
  readonly since: number
  /** Only those that were created before then; absent: up to now. */
  readonly before?: number
  readonly limit: number
}

/** A secret by its scope and name; without a repository one of all. */
export interface SecretRef {
  readonly repositoryId?: RepositoryId | undefined
  readonly name: string
}

/** A sealed value in its place. */
export type SealedValue = { readonly sealed: string } & (
  | ({ readonly kind: 'secret' } & SecretRef)
  | {
      readonly kind: 'webhook secret' | 'former webhook secret' | 'forge token'
      readonly repositoryId: RepositoryId
    }
  | { readonly kind: 'id token key'; readonly kid: string }
)

export interface ChangeQuery {
  readonly after: number
  readonly limit: number
  readonly scope?: { readonly pipelineId: PipelineId } | 'runners'
}

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

/** A look whether a forge still takes the token of a repository. */
export interface ForgeTrial {
  readonly repositoryId: RepositoryId
  readonly before: number
  readonly at: number
}

/** What can be done in a transaction; its reads see what the transaction wrote. */
export interface StoreWriter extends StoreReader, CredentialWriter, RedactionWriter, AuthorWriter {
  /** Rejects with `conflict` when the name is taken. Its heads are the baseline of the poller. */
  insertRepository(repository: RepositoryRecord, heads: readonly Head[]): Promise<void>
  /** Sets the forge's numbers, once a verified webhook told them; `conflict` if another has the first. */
  setForgeIds(id: RepositoryId, ids: ForgeIds): Promise<void>
  setWebhookSecret(id: RepositoryId, webhookSecret: string): Promise<void>
  /** As above, and what was set so far remains valid as the former one until `endsAt`. */
  replaceWebhookSecret(id: RepositoryId, webhookSecret: string, endsAt: number): Promise<void>
  /** The former webhook secrets of these repositories, if they have some, are valid no more. */
  endFormerSecrets(ids: readonly RepositoryId[]): Promise<void>
  /** Sets what is done about strangers, and what a skipped pipeline is worth; what is absent stays. */
  setStrangerRules(id: RepositoryId, rules: StrangerRules): Promise<void>
  /** Notes at all commits of a pull request, by its full ref, that it was closed; merged or not. */
  noteClosed(closed: { repositoryId: RepositoryId; ref: string; at: number }): Promise<void>
  /**
   * The repository is no longer found, polled or accepted, and its name is free again; its pipelines
   * remain readable, what has none yet gets none, and its secrets are gone.
   */
  removeRepository(id: RepositoryId): Promise<void>
  /** Of several heads of one ref the last one counts. */
  setHeads(heads: readonly RepositoryHead[]): Promise<void>
  forgetHeads(repositoryId: RepositoryId, refs: readonly string[]): Promise<void>

  /**
   * Writes each event unless one with the same semantic key is there (or before it among these), and
   * returns, in the same order, the ones that are. Rejects with `not_found`, and writes none, when
   * the repository of one is not registered.
   */
  acceptEvents(events: readonly CommitEvent[]): Promise<AcceptedEvent[]>
  /** Ends pending events of removed repositories, with that as the reason; how many they were. */
  endEventsOfRemoved(): Promise<number>
  /** Writes what the commit says of itself, for an event that came without (a poll, a run by hand). */
  describeEvent(id: EventId, text: { title: string; author: string }): Promise<void>
  /** Records deliveries; one that is known already stays as it is. */
  recordDeliveries(deliveries: readonly DeliveryRecord[]): Promise<void>

  /**
   * Creates the pipeline of an event, with the next number of its repository. An event has one
   * pipeline besides its reruns: if it is there, it is returned, and `created` is false. Rejects
   * with `not_found` when there is none and the repository was removed.
   */
  createPipeline(pipeline: NewPipeline): Promise<CreatedPipeline>
  /**
   * Writes state, name, problems, phases, approval and concurrency; returns it with its new version. It is in its
   * group from when it runs until it has ended.
   */
  savePipeline(pipeline: Pipeline): Promise<Pipeline>
  /** A job with `concurrency` is in its group from now until it has ended. */
  insertJobs(jobs: readonly Job[]): Promise<void>
  /**
   * Takes a place in a group for a job or a pipeline that is in it; true also when it has one. Before
   * a job is assigned, and in the same transaction: it keeps the place until it ends or is queued again.
   * False when there is none for it now: then nothing is to be written. Of several groups ask in one
   * order everywhere.
   */
  enterGroup(
    member: { readonly id: GroupMember['id']; readonly repositoryId: RepositoryId },
    concurrency: Concurrency,
  ): Promise<boolean>
  /**
   * Writes the job's state, fence and the attempts that `changed` names (inserting those that are
   * new); returns it with its new version. An attempt that is there keeps its count of lines, and
   * its sequence number only grows while its fence stays the same: both as in what is returned.
   */
  saveJob(job: Job, changed: readonly number[]): Promise<Job>
  /**
   * Appends chunks to an attempt's log, as they are, and notes the runner's sequence number and the
   * count of lines; rejects with `conflict` when the attempt's fence is another. Chunks must follow
   * without a hole, else it rejects with `conflict`; those that are there already are left out. It
   * does not change the job's version, and is no state change. Returns the chunks as they may be told: where
   * something was taken out of the log, what comes of that is stored without its text.
   */
  appendLog(log: LogAppend): Promise<LogAppend['chunks']>

  /** Begins a dispatcher's life. */
  takeSeat(seat: { id: DispatcherId; url?: string; startedAt: number }): Promise<void>
  /** Adds a beat; false when the seat was ended meanwhile, and with it every right to write. */
  beat(id: DispatcherId): Promise<boolean>
  /**
   * Ends seats whose count of beats is still the given one (one's own: whatever it is). Their
   * pipelines are free from then on.
   */
  endSeats(seats: readonly { readonly id: DispatcherId; readonly beats?: number }[]): Promise<void>
  /** Gives the dispatcher all open pipelines that are free, under new terms; oldest first. */
  takeFreePipelines(by: DispatcherId): Promise<PipelineId[]>
  /** Gives it one pipeline, whoever had it, under a new term; nothing changes if it has it. */
  takePipeline(id: PipelineId, by: DispatcherId): Promise<void>
  /**
   * To be called before other writes to the pipeline, which no other dispatcher can take until the
   * transaction ends. Rejects with `stale` unless it is this dispatcher's under this term.
   */
  guardPipeline(id: PipelineId, by: DispatcherId, term: number): Promise<void>
  /**
   * For a transaction that will guard several: locks these at once, those that are there, in the order
   * of their ids, so that guarding one of them asks nobody.
   */
  lockPipelines(ids: readonly PipelineId[]): Promise<void>

  /** Inserts or replaces it; rejects with `conflict` when another has its name. */
  saveRunner(runner: Runner): Promise<void>
  /**
   * Writes what a dispatcher sees of a registered runner: all from `members` to `lastSeenAt` but
   * the wishes (`draining`, `asideReason`, `failures`). Writes nothing and returns false when the
   * runner is not registered any more, or when it is offline for this dispatcher only: another
   * with a seat was the last to be connected to it.
   */
  noteRunner(runner: Runner, by: DispatcherId): Promise<boolean>
  setDraining(id: RunnerId, draining: boolean): Promise<void>
  /** Counts one more failure, or none; returns how many it has had in a row. */
  countFailure(id: RunnerId, failed: boolean): Promise<number>
  /** Takes a runner out of service for a reason; undefined: takes it back, its failures forgotten. */
  setAside(id: RunnerId, reason: string | undefined): Promise<void>
  removeRunner(id: RunnerId): Promise<void>

  /** Rejects with `conflict` when the name is taken. */
  insertUser(user: UserRecord): Promise<void>
  /** Rejects with `conflict`, here and below, where no administrator would be left. */
  setRole(id: UserId, role: Role): Promise<void>
  /** With all their tokens; what they did keeps their name. */
  removeUser(id: UserId): Promise<void>

  /**
   * Inserts or replaces where the statuses of a repository are told; what was refused before is
   * untold from then on.
   */
  saveForgeLink(link: ForgeLinkRecord): Promise<void>
  /** Whether the caller is to try the token now: nobody has since `before`, and from now on nobody else does. */
  claimForgeTrial(trial: ForgeTrial): Promise<boolean>
  /**
   * Notes that a forge does not take this very token, or, with undefined, that it does. Whether that is news: one
   * that is refused already stays as it is.
   */
  setForgeRefusal(
    link: Pick<ForgeLinkRecord, 'repositoryId' | 'token'>,
    refusal: ForgeRefusal | undefined,
  ): Promise<boolean>
  removeForgeLink(repositoryId: RepositoryId): Promise<void>
  /** Notes it unless a newer pipeline of the commit was told already. */
  noteToldStatus(told: ToldStatusRecord): Promise<void>

  /** Inserts or replaces it; one that is replaced keeps when it was made. */
  saveSecret(secret: SecretRecord): Promise<void>
  /** Returns whether it was there. */
  removeSecret(secret: SecretRef): Promise<boolean>

  /** Writes a key that signs id tokens; of one that is there, all but its public half and its beginning. */
  saveIdTokenKey(key: IdTokenKeyRecord): Promise<void>
  /** Returns the ids by which tokens name a repository for ever: these, if there were none. */
  claimSubjectIds(repositoryId: RepositoryId, unlessThereAre: string): Promise<string>

  /**
   * Returns the id of the key under which values are sealed: this one, if there was none. It stays
   * in use until the transaction has ended.
   */
  claimSealingKey(unlessThereIsOne: string): Promise<string>
  /** Has everything be sealed under this key from now on, once all who seal now have ended. */
  setSealingKey(id: string): Promise<void>
  /** Some of the values that are sealed under another key; none: there are no more. */
  listSealedOtherwise(keyId: string, limit: number): Promise<SealedValue[]>
  /** Puts another text in the place of a value that is still the same; undefined: forgets the value. */
  replaceSealed(value: SealedValue, sealed: string | undefined): Promise<void>

  /**
   * Has the transaction write down who does what in it, at its end: either both are done or neither is.
   * Whatever changes rights, secrets, tokens, repositories, runners or approvals calls it.
   */
  audit(by: Doer, event: AuditEvent): void
  /**
   * Removes the oldest entries of the audit log, at most `limit`, up to the first that is not older
   * than `before`; that it did so is written down. Returns how many they were.
   */
  pruneAudit(by: Doer, which: { before: number; limit: number }): Promise<number>

  readonly retention: RetentionWriter

  /** Forgets all state changes but the newest `keep`. */
  pruneChanges(keep: number): Promise<void>
}
