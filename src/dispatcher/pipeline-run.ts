import { setTimeout as sleep } from 'node:timers/promises'
import type { RunAttemptResponse } from '../contract/gen/narwhal/v1/runner_pb.js'
import { dependants } from '../core/graph.ts'
import type { JobId, PipelineId } from '../core/ids.ts'
import { isHeld } from '../core/job.ts'
import type { Decision } from '../core/placement/placement.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { AttemptRecord, JobRecord } from '../store/records.ts'
import { advancePipeline, type JobChange, type PipelineDraft } from './advance-pipeline.ts'
import {
  assignment,
  currentAttempt,
  endOfConversation,
  progressChanges,
} from './attempt-changes.ts'
import { addProgress, type Progress } from './attempt-progress.ts'
import { type AttemptEnd, AttemptRun } from './attempt-run.ts'
import { jobEnv } from './job-env.ts'
import type { JobQueue } from './job-queue.ts'
import type { PipelineLedger } from './pipeline-ledger.ts'
import { commitOf, endPipeline, planOnRunner, withPlan } from './plan-pipeline.ts'
import type { RunnerLink } from './runner-link.ts'
import type { RunnerPool } from './runner-pool.ts'

const RETRY_MS = 1_000

export interface PipelineRunDeps {
  readonly ledger: PipelineLedger
  readonly pool: RunnerPool
  readonly queue: JobQueue
  readonly log: Logger
  /** Aborts when the dispatcher stops. */
  readonly signal: AbortSignal
  readonly options: PipelineOptions
  /** Called when nothing of the pipeline is going on here any more. */
  readonly onIdle: () => void
  /** Writes what the runner read of the commit, where the event brought no words. */
  readonly describeEvent: (text: { title: string; author: string }) => Promise<void>
}

export interface PipelineOptions {
  /** How long a job may run, in milliseconds. */
  readonly jobTimeoutMs: number
  /** How many attempts a job gets when runners are lost. */
  readonly maxAttempts: number
}

/**
 * One pipeline while something of it is going on: planned, its jobs queued as they become ready,
 * their attempts followed on the runners, until all have ended. What is to be done next is always
 * read off the ledger, so it makes no difference whether the pipeline is new or found in the
 * store after a restart.
 */
export class PipelineRun {
  readonly #deps: PipelineRunDeps
  readonly #ledger: PipelineLedger
  readonly #log: Logger
  readonly #attempts = new Map<JobId, AttemptRun>()
  readonly #queued = new Set<JobId>()
  /** Jobs that are being handed over or followed. */
  readonly #active = new Set<JobId>()
  readonly #planning = new AbortController()
  #isPlanning = false

  constructor(deps: PipelineRunDeps) {
    this.#deps = deps
    this.#ledger = deps.ledger
    this.#log = deps.log.child({ pipeline: deps.ledger.draft.pipeline.id })
  }

  get id(): PipelineId {
    return this.#ledger.draft.pipeline.id
  }

  get ledger(): PipelineLedger {
    return this.#ledger
  }

  /** Takes up whatever is due; also after each change. */
  react(): void {
    if (this.#deps.signal.aborted) return
    const { pipeline, jobs } = this.#ledger.draft
    if (pipeline.state.status === 'pending' && !this.#isPlanning) {
      this.#isPlanning = true
      this.#guard(this.#plan())
    }
    for (const job of jobs) {
      if (this.#active.has(job.id)) continue
      if (job.state.status === 'queued') this.#enqueue(job)
      if (isHeld(job.state)) this.#activate(job.id, this.#resume(job))
    }
    const isOver = pipeline.state.status === 'finished'
    if (isOver && this.#active.size === 0 && !this.#isPlanning) this.#deps.onIdle()
  }

  /** Cancels the pipeline, or one job. Final when it resolves, whatever the runners are doing. */
  async cancel(reason: string, only?: JobId): Promise<void> {
    const at = Date.now()
    const changed = await this.#ledger.change((draft) => {
      if (draft.pipeline.state.status === 'pending') {
        const pipeline = endPipeline(draft.pipeline, { outcome: 'cancelled', reason }, at)
        return { ...draft, pipeline }
      }
      const changes: JobChange[] = draft.jobs
        .filter((job) => only === undefined || job.id === only)
        .map((job) => ({ jobId: job.id, event: { type: 'cancelled', reason, at } }))
      return advancePipeline(draft, changes, at)
    })
    if (!changed) throw new NarwhalError('conflict', 'there is nothing to cancel: it has ended')
    this.#planning.abort(new NarwhalError('cancelled', reason))
    for (const job of this.#ledger.draft.jobs) {
      if (job.state.status !== 'finished') continue
      this.#dequeue(job.id)
      this.#attempts.get(job.id)?.cancel(reason)
    }
    this.react()
  }

  /** Runs one job again as its next attempt, and what needs it after it. */
  async rerunJob(id: JobId): Promise<void> {
    const at = Date.now()
    const name = this.#ledger.getJob(id).spec.name
    const changed = await this.#ledger.change((draft) => {
      if (this.#ledger.getJob(id).state.status !== 'finished') return draft
      const specs = draft.jobs.map((job) => job.spec)
      const after = dependants(specs, name)
      const changes: JobChange[] = draft.jobs
        .filter((job) => job.id === id || after.has(job.spec.name))
        // What it needs may be running again itself; without needs it is ready at once.
        .map((job) => ({ jobId: job.id, event: { type: 'rerun', blocked: true, at } }))
      return advancePipeline(draft, changes, at)
    })
    if (!changed) throw new NarwhalError('conflict', `job ${name} has not ended yet`)
    this.react()
  }

  async #plan(): Promise<void> {
    const signal = AbortSignal.any([this.#deps.signal, this.#planning.signal])
    try {
      const planned = await planOnRunner(this.#deps.pool, commitOf(this.#ledger), signal)
      const { event } = this.#ledger
      if (event.title === '' && event.author === '') await this.#deps.describeEvent(planned)
      await this.#ledger.change((draft) =>
        draft.pipeline.state.status === 'pending' ? withPlan(draft, planned, Date.now()) : draft,
      )
    } catch (reason) {
      if (this.#deps.signal.aborted) return
      const end = { outcome: 'error', reason: NarwhalError.from(reason).message } as const
      await this.#ledger.change((draft) =>
        draft.pipeline.state.status === 'pending'
          ? { ...draft, pipeline: endPipeline(draft.pipeline, end, Date.now()) }
          : draft,
      )
    } finally {
      this.#isPlanning = false
      this.react()
    }
  }

  #enqueue(job: JobRecord): void {
    if (job.state.status !== 'queued' || this.#queued.has(job.id)) return
    this.#queued.add(job.id)
    const { jobs } = this.#ledger.draft
    const followers = dependants(
      jobs.map((one) => one.spec),
      job.spec.name,
    ).size
    this.#deps.queue.add({
      pipelineId: this.id,
      repositoryName: this.#ledger.repository.name,
      name: job.spec.name,
      job: {
        jobId: job.id,
        repositoryId: job.repositoryId,
        ...(job.spec.image === undefined ? {} : { image: job.spec.image }),
        labels: job.spec.labels,
        queuedAt: job.state.queuedAt,
        followers,
        priority: 0,
      },
      place: (decision, link, reservation) => {
        this.#queued.delete(job.id)
        this.#activate(job.id, this.#place({ jobId: job.id, decision, link, reservation }))
      },
    })
  }

  #dequeue(id: JobId): void {
    if (this.#queued.delete(id)) this.#deps.queue.remove(id)
  }

  /** Writes the assignment down, then hands the attempt over. */
  async #place(placement: {
    jobId: JobId
    decision: Decision
    link: RunnerLink
    reservation: Disposable
  }): Promise<void> {
    using _slot = placement.reservation
    const { jobId, decision, link } = placement
    const at = Date.now()
    const isAssigned = await this.#ledger.change((draft) => {
      const job = draft.jobs.find(({ id }) => id === jobId)
      if (job?.state.status !== 'queued') return draft
      return advancePipeline(draft, [assignment(job, decision, at)], at)
    })
    if (!isAssigned || this.#ledger.getJob(jobId).state.status !== 'assigned') return
    this.#log.info({ job: jobId, runner: decision.runnerName, why: decision.reason }, 'job placed')
    await this.#follow(jobId, link)
  }

  /** Goes on with an attempt that was handed over before this process knew of it. */
  async #resume(job: JobRecord): Promise<void> {
    if (!isHeld(job.state)) return
    const link = this.#deps.pool.find(job.state.runnerId)
    const attempt = currentAttempt(job)
    if (link && attempt) {
      using _slot = link.reserve()
      await this.#follow(job.id, link, attempt.lastSeq)
    } else {
      await this.#settle(job.id, attempt, { kind: 'lost', reason: 'its runner is not registered' })
    }
  }

  async #follow(jobId: JobId, link: RunnerLink, resumeAfter?: number): Promise<void> {
    const job = this.#ledger.getJob(jobId)
    const attempt = currentAttempt(job)
    if (!attempt) return
    const run = new AttemptRun({
      order: {
        jobId,
        attempt: attempt.number,
        fence: attempt.fence,
        commit: commitOf(this.#ledger),
        job: job.spec,
        env: jobEnv(this.#ledger, job),
        timeoutMs: this.#deps.options.jobTimeoutMs,
      },
      link,
      store: (events, offset) => this.#storeEvents(jobId, attempt, events, offset),
      ...(resumeAfter === undefined ? {} : { resumeAfter }),
      signal: this.#deps.signal,
      log: this.#log.child({ job: jobId, attempt: attempt.number, runner: link.record.name }),
    })
    this.#attempts.set(jobId, run)
    const end = await run.run().finally(() => this.#attempts.delete(jobId))
    if (end.kind === 'refused') link.noteRefusal()
    await this.#settle(jobId, attempt, end)
  }

  /** Stores a batch of events together with all that follows from them. */
  async #storeEvents(
    jobId: JobId,
    attempt: AttemptRecord,
    events: RunAttemptResponse[],
    clockOffsetMs: number,
  ): Promise<void> {
    const progressOf = (draft: PipelineDraft): { stored: AttemptRecord; progress: Progress } => {
      const job = draft.jobs.find(({ id }) => id === jobId)
      const stored = job?.attempts.find(({ number }) => number === attempt.number)
      if (!stored || stored.fence !== attempt.fence) {
        throw new NarwhalError('conflict', 'the attempt has a newer owner')
      }
      return { stored, progress: addProgress(stored, events, clockOffsetMs) }
    }
    await this.#ledger.change(
      (draft) => {
        const { stored, progress } = progressOf(draft)
        return advancePipeline(draft, progressChanges(jobId, stored, progress), Date.now())
      },
      (draft) => {
        const { progress } = progressOf(draft)
        const { number, fence, lastSeq } = progress.attempt
        return { jobId, attempt: number, fence, lastSeq, lines: progress.lines }
      },
    )
    this.react()
  }

  /** Draws the conclusion from the end of a conversation. */
  async #settle(jobId: JobId, attempt: AttemptRecord | undefined, end: AttemptEnd): Promise<void> {
    if (!attempt || end.kind === 'stopped' || end.kind === 'reported') return
    const facts = { job: jobId, attempt: attempt.number, reason: end.reason }
    this.#log.warn(facts, `attempt ${end.kind}`)
    const at = Date.now()
    const isLast = attempt.number >= this.#deps.options.maxAttempts
    const event = endOfConversation(attempt, end, { isLast, at })
    await this.#ledger.change((draft) => advancePipeline(draft, [{ jobId, event }], at))
  }

  /** Follows up on work for one job; trouble of our own is said, and tried again after a while. */
  #activate(id: JobId, work: Promise<void>): void {
    this.#active.add(id)
    const followUp = work
      .catch(async (err: unknown) => {
        if (!this.#deps.signal.aborted) this.#log.error({ err, job: id }, 'job is stuck')
        await sleep(RETRY_MS, undefined, { signal: this.#deps.signal })
      })
      .then(() => {
        this.#active.delete(id)
        this.react()
      })
    this.#guard(followUp)
  }

  /** Work that nobody waits for; when it fails for a reason of our own, that is said. */
  #guard(work: Promise<void>): void {
    work.catch((err: unknown) => {
      if (!this.#deps.signal.aborted) this.#log.error({ err }, 'pipeline is stuck')
    })
  }
}
