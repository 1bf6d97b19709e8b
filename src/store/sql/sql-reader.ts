import type { AuditHead, ChainedEntry } from '../../contract/rest/audit-chain.ts'
import type { JobView, LogLine, PipelineView, RunnerView } from '../../contract/rest/views.ts'
import type { Redaction } from '../../core/attempt/redaction.ts'
import type { CommitEvent } from '../../core/commit-event.ts'
import type { GroupMember } from '../../core/concurrency/concurrency.ts'
import type { WebhookForge } from '../../core/forges.ts'
import type {
  AttemptRef,
  DispatcherId,
  EventId,
  JobId,
  PipelineId,
  RepositoryId,
} from '../../core/ids.ts'
import type { Job } from '../../core/job/job.ts'
import type { Runner } from '../../core/runner/runner.ts'
import { SerialQueue } from '../../lib/async/serial-queue.ts'
import type { SessionRecord } from '../credentials.ts'
import type {
  Asker,
  DeliveryRecord,
  DispatcherRecord,
  ForgeLinkRecord,
  Head,
  IdTokenKeyRecord,
  JoinTokenRecord,
  PendingEvent,
  PipelineDetail,
  PlacedAttempt,
  RepositoryRecord,
  SecretRecord,
  SeenAccount,
  StatusKey,
  TokenRecord,
  ToldStatusRecord,
  UserRecord,
} from '../records.ts'
import type { RetentionWriter } from '../retention.ts'
import type {
  AuditPage,
  AuditQuery,
  AwaitingQuery,
  ChangeQuery,
  ForgeName,
  PendingQuery,
  PipelineFilter,
  QueuedJob,
  StoredChunk,
  StoreReader,
  UntoldQuery,
} from '../store.ts'
import { jobView, runnerView } from '../views.ts'
import { listAccounts } from './access/forge-accounts.ts'
import { isForwarder } from './access/forwarders.ts'
import { findSubjectIds, listIdTokenKeys } from './access/id-tokens.ts'
import { findJoinToken, listJoinTokens } from './access/join-tokens.ts'
import { findMerged } from './access/merged-authors.ts'
import { findSealingKey } from './access/sealing.ts'
import { findSecrets, listSecrets } from './access/secrets.ts'
import { findSession } from './access/sessions.ts'
import { findToken, listTokens } from './access/tokens.ts'
import { findUser, findUserByToken, listUsers } from './access/users.ts'
import { auditHead, listAudit, readAudit } from './audit/audit-reads.ts'
import { listDispatchers } from './dispatchers.ts'
import { findDeliveries, findEvent, listPendingEvents } from './pipelines/commit-events.ts'
import { listGroup } from './pipelines/groups.ts'
import { findJob, listJobs, listQueuedJobs } from './pipelines/jobs.ts'
import { readLog, readLogChunks } from './pipelines/logs.ts'
import { findPipelineDetail } from './pipelines/pipeline-detail.ts'
import { findPipelineView, listAwaiting, listPipelineViews } from './pipelines/pipeline-views.ts'
import { listOpenPipelines, listPipelinesOfDispatcher } from './pipelines/pipelines.ts'
import { listPlacements } from './pipelines/placements.ts'
import { findRedactions } from './pipelines/redactions.ts'
import { SqlRetention } from './removal/retention.ts'
import {
  findForgeRepositories,
  findRepositories,
  findRepository,
  listHeads,
  listRepositories,
} from './repositories.ts'
import { findRunner, findRunnerByIdentity, listRunners } from './runners.ts'
import { lastChange, listChanges } from './state-changes.ts'
import {
  findForgeLink,
  findLastTold,
  findToldStatus,
  listForgeLinks,
  listUntold,
} from './statuses.ts'
import type { Db } from './tables.ts'

/** Everything that can be read, over a pool or inside a transaction. */
export class SqlReader implements StoreReader {
  readonly #db: Db
  readonly #searches = new SerialQueue()
  readonly retention: RetentionWriter

  constructor(db: Db) {
    this.#db = db
    this.retention = new SqlRetention(db)
  }

  findRedactions(log: AttemptRef): Promise<readonly Redaction[]> {
    return findRedactions(this.#db, log)
  }

  listAwaiting(query: AwaitingQuery): Promise<PipelineView[]> {
    return listAwaiting(this.#db, query)
  }

  listAccounts(repositoryId: RepositoryId): Promise<SeenAccount[]> {
    return listAccounts(this.#db, repositoryId)
  }

  findMerged(repositoryId: RepositoryId, accounts: readonly number[]): Promise<Set<number>> {
    return findMerged(this.#db, repositoryId, accounts)
  }

  listGroup(
    repositoryId: RepositoryId,
    group: string,
    ofStrangers?: boolean,
  ): Promise<GroupMember[]> {
    return listGroup(this.#db, repositoryId, group, ofStrangers)
  }

  findRepositories(ids: readonly string[]): Promise<RepositoryRecord[]> {
    return findRepositories(this.#db, ids)
  }

  findRepository(idOrName: string): Promise<RepositoryRecord | undefined> {
    return findRepository(this.#db, idOrName)
  }

  findForgeRepositories(
    forge: WebhookForge,
    repositories: readonly ForgeName[],
  ): Promise<(RepositoryRecord | undefined)[]> {
    return findForgeRepositories(this.#db, forge, repositories)
  }

  listRepositories(): Promise<RepositoryRecord[]> {
    return listRepositories(this.#db)
  }

  listHeads(repositoryId: RepositoryId): Promise<Head[]> {
    return listHeads(this.#db, repositoryId)
  }

  findDeliveries(forge: WebhookForge, deliveryIds: readonly string[]): Promise<DeliveryRecord[]> {
    return findDeliveries(this.#db, forge, deliveryIds)
  }

  findEvent(id: EventId): Promise<CommitEvent | undefined> {
    return findEvent(this.#db, id)
  }

  listPendingEvents(query: PendingQuery): Promise<PendingEvent[]> {
    return listPendingEvents(this.#db, query)
  }

  findPipeline(id: PipelineId): Promise<PipelineDetail | undefined> {
    return findPipelineDetail(this.#db, id)
  }

  findPipelineView(id: PipelineId): Promise<PipelineView | undefined> {
    return findPipelineView(this.#db, id)
  }

  listPipelineViews(filter: PipelineFilter, signal?: AbortSignal): Promise<PipelineView[]> {
    return listPipelineViews(this.#db, filter, { steps: this.#searches, signal })
  }

  listOpenPipelines(): Promise<PipelineId[]> {
    return listOpenPipelines(this.#db)
  }

  listPipelinesOf(by: DispatcherId): Promise<{ id: PipelineId; term: number }[]> {
    return listPipelinesOfDispatcher(this.#db, by)
  }

  findJob(id: JobId): Promise<Job | undefined> {
    return findJob(this.#db, id)
  }

  async findJobView(id: JobId): Promise<JobView | undefined> {
    const job = await findJob(this.#db, id)
    return job && jobView(job)
  }

  listQueuedJobs(limit: number): Promise<QueuedJob[]> {
    return listQueuedJobs(this.#db, limit)
  }

  async listJobViews(pipelineId: PipelineId): Promise<JobView[]> {
    return (await listJobs(this.#db, { pipelineId })).map(jobView)
  }

  listPlacements(limit: number): Promise<PlacedAttempt[]> {
    return listPlacements(this.#db, limit)
  }

  readLog(log: { jobId: JobId; attempt: number }, from: number, limit: number): Promise<LogLine[]> {
    return readLog(this.#db, log, from, limit)
  }

  readLogChunks(log: { jobId: JobId; attempt: number }, from: number): Promise<StoredChunk[]> {
    return readLogChunks(this.#db, log, from)
  }

  listDispatchers(): Promise<DispatcherRecord[]> {
    return listDispatchers(this.#db)
  }

  findRunnerByIdentity(hash: string): Promise<Runner | undefined> {
    return findRunnerByIdentity(this.#db, hash)
  }

  findRunner(idOrName: string): Promise<Runner | undefined> {
    return findRunner(this.#db, idOrName)
  }

  listRunners(): Promise<Runner[]> {
    return listRunners(this.#db)
  }

  async listRunnerViews(): Promise<RunnerView[]> {
    return (await listRunners(this.#db)).map(runnerView)
  }

  findUser(idOrName: string): Promise<UserRecord | undefined> {
    return findUser(this.#db, idOrName)
  }

  findUserByToken(hash: string): Promise<Asker | undefined> {
    return findUserByToken(this.#db, hash)
  }

  findToken(hash: string): Promise<TokenRecord | undefined> {
    return findToken(this.#db, hash)
  }

  isForwarder(hash: string, at: number): Promise<boolean> {
    return isForwarder(this.#db, hash, at)
  }

  findSession(hash: string): Promise<{ user: UserRecord; session: SessionRecord } | undefined> {
    return findSession(this.#db, hash)
  }

  findJoinToken(hash: string): Promise<JoinTokenRecord | undefined> {
    return findJoinToken(this.#db, hash)
  }

  listUsers(): Promise<UserRecord[]> {
    return listUsers(this.#db)
  }

  listForgeLinks(): Promise<ForgeLinkRecord[]> {
    return listForgeLinks(this.#db)
  }

  findForgeLink(repositoryId: RepositoryId): Promise<ForgeLinkRecord | undefined> {
    return findForgeLink(this.#db, repositoryId)
  }

  findToldStatus(key: StatusKey): Promise<ToldStatusRecord | undefined> {
    return findToldStatus(this.#db, key)
  }

  findLastTold(repositoryId: RepositoryId): Promise<ToldStatusRecord | undefined> {
    return findLastTold(this.#db, repositoryId)
  }

  listUntold(query: UntoldQuery): Promise<PipelineView[]> {
    return listUntold(this.#db, query)
  }

  listTokens(): Promise<TokenRecord[]> {
    return listTokens(this.#db)
  }

  listSecrets(repositoryId?: RepositoryId): Promise<SecretRecord[]> {
    return listSecrets(this.#db, repositoryId)
  }

  findSecrets(repositoryId: RepositoryId, names: readonly string[]): Promise<SecretRecord[]> {
    return findSecrets(this.#db, repositoryId, names)
  }

  listIdTokenKeys(): Promise<IdTokenKeyRecord[]> {
    return listIdTokenKeys(this.#db)
  }

  findSubjectIds(repositoryId: RepositoryId): Promise<string | undefined> {
    return findSubjectIds(this.#db, repositoryId)
  }

  findSealingKey(): Promise<string | undefined> {
    return findSealingKey(this.#db)
  }

  listJoinTokens(): Promise<JoinTokenRecord[]> {
    return listJoinTokens(this.#db)
  }

  listChanges(query: ChangeQuery) {
    return listChanges(this.#db, query)
  }

  lastChange(): Promise<number> {
    return lastChange(this.#db)
  }

  listAudit(query: AuditQuery): Promise<AuditPage> {
    return listAudit(this.#db, query)
  }

  readAudit(after: number, limit: number): Promise<ChainedEntry[]> {
    return readAudit(this.#db, after, limit)
  }

  auditHead(): Promise<AuditHead> {
    return auditHead(this.#db)
  }
}
