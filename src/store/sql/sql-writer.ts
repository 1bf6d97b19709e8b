import type { StateChange } from '../../contract/live/live-event.ts'
import type { Redaction } from '../../core/attempt/redaction.ts'
import type { AuditEvent, Doer } from '../../core/audit/audit.ts'
import type { CommitEvent } from '../../core/commit-event.ts'
import type { Concurrency, GroupMember } from '../../core/concurrency/concurrency.ts'
import type {
  AttemptRef,
  DispatcherId,
  EventId,
  PipelineId,
  RepositoryId,
  RunnerId,
} from '../../core/ids.ts'
import type { Job } from '../../core/job/job.ts'
import type { Pipeline } from '../../core/pipeline/pipeline.ts'
import type { Runner } from '../../core/runner/runner.ts'
import type { ForgeAccount } from '../../core/stranger/update-bot.ts'
import type {
  AcceptedEvent,
  CreatedPipeline,
  DeliveryRecord,
  ForgeIds,
  Head,
  IdTokenKeyRecord,
  NewPipeline,
  RepositoryHead,
  RepositoryRecord,
  SecretRecord,
  StrangerRules,
} from '../records.ts'
import type { RetentionWriter } from '../retention.ts'
import type { LogAppend, SealedValue, SecretRef, StoreWriter } from '../store.ts'
import { noteAccount } from './access/forge-accounts.ts'
import { claimSubjectIds, saveIdTokenKey } from './access/id-tokens.ts'
import { noteMerged } from './access/merged-authors.ts'
import {
  claimSealingKey,
  listSealedOtherwise,
  replaceSealed,
  setSealingKey,
} from './access/sealing.ts'
import { removeSecret, removeSecretsOf, saveSecret } from './access/secrets.ts'
import { appendAudit, type NewAuditEntry } from './audit/audit-append.ts'
import { newEntry } from './audit/audit-entry.ts'
import { pruneAudit } from './audit/audit-prune.ts'
import { ChangedSubjects } from './audit/changed-subjects.ts'
import { noteClosed } from './audit/closed-requests.ts'
import {
  beat,
  endSeats,
  guardPipeline,
  type Holder,
  lockPipelines,
  takeFreePipelines,
  takePipeline,
  takeSeat,
} from './dispatchers.ts'
import {
  acceptEvents,
  describeEvent,
  endEventsOfRemoved,
  recordDeliveries,
} from './pipelines/commit-events.ts'
import { enterGroup } from './pipelines/groups.ts'
import { insertJobs, saveJob } from './pipelines/jobs.ts'
import { appendLog } from './pipelines/logs.ts'
import { createPipeline, listPipelinesOf, savePipeline } from './pipelines/pipelines.ts'
import { addRedaction, redactSome } from './pipelines/redactions.ts'
import { SqlRetention } from './removal/retention.ts'
import {
  endFormerSecrets,
  forgetHeads,
  insertRepository,
  removeRepository,
  replaceWebhookSecret,
  setForgeIds,
  setHeads,
  setStrangerRules,
  setWebhookSecret,
} from './repositories.ts'
import {
  countFailure,
  noteRunner,
  removeRunner,
  saveRunner,
  setAside,
  setDraining,
} from './runners.ts'
import { appendChanges, pruneChanges } from './state-changes.ts'
import { StatusWriter } from './status-writer.ts'
import type { Db } from './tables.ts'

/** The writer of one transaction; it keeps in mind what has changed, for `finish` to number it. */
export class SqlWriter extends StatusWriter implements StoreWriter {
  readonly #db: Db
  readonly #changed = new ChangedSubjects()
  /** Of the pipelines that this transaction has locked. */
  #holders = new Map<PipelineId, Holder>()
  readonly #audit: NewAuditEntry[] = []
  override readonly retention: RetentionWriter

  constructor(db: Db) {
    super(db)
    this.#db = db
    this.retention = new SqlRetention(db, (id) => this.#changed.add('pipeline', id))
  }

  /** Writes who did it, and the state changes of all that was written; to be called once, before the commit. */
  async finish(): Promise<StateChange[]> {
    await appendAudit(this.#db, this.#audit)
    return appendChanges(this.#db, await this.#changed.views(this.#db))
  }

  async insertRepository(repository: RepositoryRecord, heads: readonly Head[]): Promise<void> {
    await insertRepository(this.#db, repository)
    await setHeads(
      this.#db,
      heads.map((head) => ({ ...head, repositoryId: repository.id })),
    )
  }

  setWebhookSecret(id: RepositoryId, webhookSecret: string): Promise<void> {
    return setWebhookSecret(this.#db, id, webhookSecret)
  }

  replaceWebhookSecret(id: RepositoryId, webhookSecret: string, endsAt: number): Promise<void> {
    return replaceWebhookSecret(this.#db, { id, webhookSecret, endsAt })
  }

  endFormerSecrets(ids: readonly RepositoryId[]): Promise<void> {
    return endFormerSecrets(this.#db, ids)
  }

  setStrangerRules(id: RepositoryId, rules: StrangerRules): Promise<void> {
    return setStrangerRules(this.#db, id, rules)
  }

  noteMerged(merged: { repositoryId: RepositoryId; actorId: number; at: number }): Promise<void> {
    return noteMerged(this.#db, merged)
  }

  noteAccount(seen: {
    repositoryId: RepositoryId
    account: ForgeAccount
    at: number
  }): Promise<void> {
    return noteAccount(this.#db, seen)
  }

  noteClosed(closed: { repositoryId: RepositoryId; ref: string; at: number }): Promise<void> {
    return noteClosed(this.#db, closed)
  }

  setForgeIds(id: RepositoryId, ids: ForgeIds): Promise<void> {
    return setForgeIds(this.#db, id, ids)
  }

  async removeRepository(id: RepositoryId): Promise<void> {
    await removeRepository(this.#db, id)
    await removeSecretsOf(this.#db, id)
  }

  setHeads(heads: readonly RepositoryHead[]): Promise<void> {
    return setHeads(this.#db, heads)
  }

  forgetHeads(repositoryId: RepositoryId, refs: readonly string[]): Promise<void> {
    return forgetHeads(this.#db, repositoryId, refs)
  }

  acceptEvents(events: readonly CommitEvent[]): Promise<AcceptedEvent[]> {
    return acceptEvents(this.#db, events)
  }

  endEventsOfRemoved(): Promise<number> {
    return endEventsOfRemoved(this.#db)
  }

  async describeEvent(id: EventId, text: { title: string; author: string }): Promise<void> {
    await describeEvent(this.#db, id, text)
    for (const pipeline of await listPipelinesOf(this.#db, id)) {
      this.#changed.add('pipeline', pipeline)
    }
  }

  recordDeliveries(deliveries: readonly DeliveryRecord[]): Promise<void> {
    return recordDeliveries(this.#db, deliveries)
  }

  async createPipeline(pipeline: NewPipeline): Promise<CreatedPipeline> {
    const answer = await createPipeline(this.#db, pipeline)
    if (answer.created) this.#changed.add('pipeline', answer.pipeline.id)
    return answer
  }

  async savePipeline(pipeline: Pipeline): Promise<Pipeline> {
    const saved = await savePipeline(this.#db, pipeline)
    this.#changed.add('pipeline', saved.id)
    return saved
  }

  async insertJobs(jobs: readonly Job[]): Promise<void> {
    await insertJobs(this.#db, jobs)
    for (const job of jobs) this.#changed.add('job', job.id)
  }

  async saveJob(job: Job, changed: readonly number[]): Promise<Job> {
    const saved = await saveJob(this.#db, job, changed)
    this.#changed.add('job', saved.id)
    return saved
  }

  enterGroup(
    member: { readonly id: GroupMember['id']; readonly repositoryId: RepositoryId },
    concurrency: Concurrency,
  ): Promise<boolean> {
    return enterGroup(this.#db, member, concurrency)
  }

  appendLog(log: LogAppend): Promise<LogAppend['chunks']> {
    return appendLog(this.#db, log)
  }

  addRedaction(log: AttemptRef, redaction: Redaction): Promise<void> {
    return addRedaction(this.#db, log, redaction)
  }

  async redactSome(log: AttemptRef, from: number): Promise<number | undefined> {
    const next = await redactSome(this.#db, log, from)
    if (next === undefined) this.#changed.add('job', log.jobId)
    return next
  }

  takeSeat(seat: { id: DispatcherId; url?: string; startedAt: number }): Promise<void> {
    return takeSeat(this.#db, seat)
  }

  beat(id: DispatcherId): Promise<boolean> {
    return beat(this.#db, id)
  }

  endSeats(seats: readonly { readonly id: DispatcherId; readonly beats?: number }[]) {
    return endSeats(this.#db, seats)
  }

  takeFreePipelines(by: DispatcherId): Promise<PipelineId[]> {
    this.#holders.clear()
    return takeFreePipelines(this.#db, by)
  }

  takePipeline(id: PipelineId, by: DispatcherId): Promise<void> {
    this.#holders.clear()
    return takePipeline(this.#db, id, by)
  }

  guardPipeline(id: PipelineId, by: DispatcherId, term: number): Promise<void> {
    return guardPipeline(this.#db, { id, by, term }, this.#holders.get(id))
  }

  async lockPipelines(ids: readonly PipelineId[]): Promise<void> {
    this.#holders = await lockPipelines(this.#db, ids)
  }

  async saveRunner(runner: Runner): Promise<void> {
    await saveRunner(this.#db, runner)
    this.#changed.add('runner', runner.id)
  }

  async noteRunner(runner: Runner, by: DispatcherId): Promise<boolean> {
    const noted = await noteRunner(this.#db, runner, by)
    if (noted) this.#changed.add('runner', runner.id)
    return noted
  }

  async setDraining(id: RunnerId, draining: boolean): Promise<void> {
    await setDraining(this.#db, id, draining)
    this.#changed.add('runner', id)
  }

  countFailure(id: RunnerId, failed: boolean): Promise<number> {
    return countFailure(this.#db, id, failed)
  }

  async setAside(id: RunnerId, reason: string | undefined): Promise<void> {
    await setAside(this.#db, id, reason)
    this.#changed.add('runner', id)
  }

  removeRunner(id: RunnerId): Promise<void> {
    return removeRunner(this.#db, id)
  }

  saveSecret(secret: SecretRecord): Promise<void> {
    return saveSecret(this.#db, secret)
  }

  removeSecret(secret: SecretRef): Promise<boolean> {
    return removeSecret(this.#db, secret)
  }

  saveIdTokenKey(key: IdTokenKeyRecord): Promise<void> {
    return saveIdTokenKey(this.#db, key)
  }

  claimSubjectIds(repositoryId: RepositoryId, unlessThereAre: string): Promise<string> {
    return claimSubjectIds(this.#db, repositoryId, unlessThereAre)
  }

  setSealingKey(id: string): Promise<void> {
    return setSealingKey(this.#db, id)
  }

  listSealedOtherwise(keyId: string, limit: number): Promise<SealedValue[]> {
    return listSealedOtherwise(this.#db, keyId, limit)
  }

  replaceSealed(value: SealedValue, sealed: string | undefined): Promise<void> {
    return replaceSealed(this.#db, value, sealed)
  }

  claimSealingKey(unlessThereIsOne: string): Promise<string> {
    return claimSealingKey(this.#db, unlessThereIsOne)
  }

  pruneChanges(keep: number): Promise<void> {
    return pruneChanges(this.#db, keep)
  }

  audit(by: Doer, event: AuditEvent): void {
    this.#audit.push(newEntry(by, event, Date.now()))
  }

  async pruneAudit(by: Doer, which: { before: number; limit: number }): Promise<number> {
    const pruned = await pruneAudit(this.#db, which)
    if (!pruned) return 0
    const after = { ...pruned, before: which.before }
    this.audit(by, { action: 'audit.pruned', subject: { id: 'audit', name: 'audit' }, after })
    return pruned.rows
  }
}
