import { setTimeout as sleep } from 'node:timers/promises'
import { currentAttempt } from '../../core/attempt/attempt-changes.ts'
import { type Doer, nameOf } from '../../core/audit/audit.ts'
import type { CommitEvent } from '../../core/commit-event.ts'
import { groupPlaces } from '../../core/concurrency/group-places.ts'
import type { JobId, PipelineId } from '../../core/ids.ts'
import type { Job } from '../../core/job/job.ts'
import { isHeld } from '../../core/job/job-state.ts'
import { isHeldBack } from '../../core/pipeline/approval.ts'
import { approve, withoutWaiting } from '../../core/pipeline/approve.ts'
import {
  withAssignment,
  withCancel,
  withFailedRerun,
  withRerun,
} from '../../core/pipeline/commands.ts'
import { wasCancelled } from '../../core/pipeline/was-cancelled.ts'
import type { Decision } from '../../core/placement/placement.ts'
import { type KeptSecret, secretWithheld } from '../../core/secret/secret-rules.ts'
import { isStranger } from '../../core/stranger/stranger.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Vault } from '../../vault/vault.ts'
import { type Givers, giveToJob } from '../attempts/given-to-job.ts'
import { PipelineAttempts } from '../attempts/pipeline-attempts.ts'
import { cancelled, givenSecrets, jobChanged, pipelineChanged } from '../ledger/audit-facts.ts'
import type { PipelineLedger } from '../ledger/pipeline-ledger.ts'
import { restrictionChanged } from '../ledger/restriction-change.ts'
import { enterGroups } from '../queue/enter-groups.ts'
import type { GroupGate } from '../queue/group-gate.ts'
import { queueEntry } from '../queue/queue-entry.ts'
import type { RunnerLink } from '../runners/runner-link.ts'
import { MAX_PRIORITY, type PipelineOptions } from './pipeline-options.ts'
import { PipelinePlanning, type PlanningDeps } from './pipeline-planning.ts'

const RETRY_MS = 1_000

export interface PipelineRunDeps extends PlanningDeps, Givers {
  readonly vault: Vault
  readonly queue: Pick<GroupGate, 'add' | 'remove'>
  readonly log: Logger
  /** Aborts when the dispatcher stops or has lost its seat. */
  readonly signal: AbortSignal
  readonly options: PipelineOptions
  /** How long leases that a previous owner confirmed may still last. */
  readonly patienceMs: number
  /** Whether leases may be confirmed now. */
  readonly mayConfirm: () => boolean
  /** Called when the pipeline has no more work here. */
  readonly onIdle: () => void
  /** Called when another dispatcher owns it: this run stops. */
  readonly onStale: () => void
}

/**
 * One active pipeline: planned, its jobs queued as they become ready, their attempts followed on the runners,
 * until all have ended. The next steps are always derived from the ledger, so it makes no difference whether
 * the pipeline is new or resumed after a restart. It ends when the dispatcher stops, or another one has taken
 * the pipeline over.
 */
export class PipelineRun {
  readonly #deps: PipelineRunDeps
  readonly ledger: PipelineLedger
  readonly #log: Logger
  readonly #attempts: PipelineAttempts
  readonly #stale = new AbortController()
  readonly #signal: AbortSignal
  readonly #queued = new Set<JobId>()
  /** Jobs whose secrets and id tokens were available when they were queued, with their restricted secrets. */
  readonly #admitted = new Map<JobId, readonly KeptSecret[]>()
  /** Jobs that are being dispatched or followed. */
  readonly #active = new Set<JobId>()
  readonly #planning: PipelinePlanning
  readonly #cancelled = new AbortController()
  #isPlanning = false
  #isReplanning = false

  constructor(deps: PipelineRunDeps) {
    this.#deps = deps
    this.ledger = deps.ledger
    this.#planning = new PipelinePlanning(deps)
    this.#log = deps.log.child({ pipeline: deps.ledger.draft.pipeline.id })
    this.#signal = AbortSignal.any([deps.signal, this.#stale.signal])
    this.#attempts = new PipelineAttempts({
      ledger: deps.ledger,
      vault: deps.vault,
      idTokens: deps.idTokens,
      log: this.#log,
      signal: this.#signal,
      ...deps.options,
      patienceMs: deps.patienceMs,
      mayConfirm: deps.mayConfirm,
      onChange: () => this.react(),
      onEnd: (link, fault) => deps.pool.onAttemptEnd(link, fault),
    })
  }

  get id(): PipelineId {
    return this.ledger.draft.pipeline.id
  }

  /** Starts whatever is due; to be called after each change. */
  react(): void {
    if (this.#signal.aborted) return
    const { pipeline, jobs } = this.ledger.draft
    if (pipeline.state.status === 'pending' && !this.#isPlanning) {
      this.#startPlanning()
    }
    for (const job of jobs) {
      if (this.#active.has(job.id)) continue
      if (job.state.status === 'queued') this.#enqueue(job)
      if (isHeld(job.state)) this.#activate(job.id, this.#resume(job))
    }
    // A pipeline that waits for approval is idle until a person decides.
    const isOver = pipeline.state.status === 'finished' || isHeldBack(pipeline)
    if (isOver && this.#active.size === 0 && !this.#isPlanning) this.#deps.onIdle()
  }

  /**
   * Cancels the pipeline, or one job. Final when it resolves, whatever state the runners are in; cleanup steps may
   * follow there, which end if somebody cancels it again.
   */
  async cancel(reason: string, by: Doer, only?: JobId): Promise<void> {
    const at = Date.now()
    const changed = await this.ledger.change((draft) => withCancel(draft, { reason, at, only }), {
      audit: cancelled(by, this.ledger, only),
    })
    // A write that is retried, because its answer was lost, changes nothing the second time.
    if (!changed && !wasCancelled(this.ledger.draft, at, only)) {
      if (by.actor.kind !== 'system' && this.#attempts.endCleanup(only)) return
      throw new NarwhalError('conflict', 'already finished: there is nothing to cancel')
    }
    this.#cancelled.abort(new NarwhalError('cancelled', reason))
    for (const job of this.ledger.draft.jobs) {
      if (job.state.status !== 'finished') continue
      this.#dequeue(job.id)
      this.#attempts.cancel(job.id, reason)
    }
    this.react()
  }

  /** Reruns one job as its next attempt, and then the jobs that need it. */
  async rerunJob(id: JobId, by: Doer): Promise<void> {
    const asked = { at: Date.now(), askedBy: nameOf(by) }
    const { name, leftOut } = this.ledger.getJob(id).spec
    if (leftOut !== undefined) {
      throw new NarwhalError('conflict', `job ${name} does not run for this commit: ${leftOut}`)
    }
    const changed = await this.ledger.change((draft) => withRerun(draft, id, asked), {
      audit: jobChanged(by, this.ledger, id, 'job.rerun'),
    })
    if (!changed) throw new NarwhalError('conflict', `job ${name} has not finished yet`)
    this.react()
  }

  /** Reruns the failed jobs as their next attempts, and the jobs that need them; others continue. */
  async rerunFailed(by: Doer): Promise<void> {
    const asked = { at: Date.now(), askedBy: nameOf(by) }
    const changed = await this.ledger.change((draft) => withFailedRerun(draft, asked), {
      audit: pipelineChanged(by, this.ledger, 'pipeline.jobs_rerun'),
    })
    if (!changed) throw new NarwhalError('conflict', 'no job of this pipeline has failed')
    this.react()
  }

  /**
   * Lets a stranger's pipeline run, with the secrets that it names; `seen`: what the approver has reviewed.
   */
  async approve(seen: { sha: string; plan?: string | undefined }, by: Doer): Promise<void> {
    const approved = { ...seen, at: Date.now(), by: nameOf(by) }
    const changed = await this.ledger.change(
      (draft) => approve(draft, this.ledger.event, approved),
      { audit: pipelineChanged(by, this.ledger, 'pipeline.approved') },
    )
    if (!changed) throw new NarwhalError('conflict', 'the pipeline is already approved')
    this.react()
  }

  /** Ends the wait for approval: the pipeline was superseded, or nobody decided in time. */
  async endAwaiting(reason: string, by: Doer): Promise<void> {
    const { pipeline } = this.ledger.draft
    if (pipeline.approval?.status !== 'needed') return
    const isOpen = isHeldBack(pipeline) && pipeline.state.status !== 'finished'
    if (isOpen) await this.cancel(reason, by)
    else await this.ledger.change(withoutWaiting)
  }

  /** Plans again because more is known about its event. A repeated call while that lasts does nothing. */
  async replan(): Promise<void> {
    if (this.#isReplanning) return
    this.#isReplanning = true
    try {
      await this.ledger.reloadEvent()
      for (let known: CommitEvent | undefined; known !== this.ledger.event; ) {
        known = this.ledger.event
        // Planning that has not ended takes the event as it is then.
        if (this.ledger.draft.pipeline.state.status !== 'pending') {
          await this.#planning.replan(this.#signal)
        }
        await this.#deps.endReplan()
        await this.ledger.reloadEvent()
      }
      this.dequeueAll()
      this.#admitted.clear()
    } finally {
      this.#isReplanning = false
    }
    this.react()
  }

  #startPlanning(): void {
    this.#isPlanning = true
    const planned = this.#planning
      .plan(this.#signal, this.#cancelled.signal)
      .catch(async (err: unknown) => {
        if (this.#isOver(err)) return
        this.#log.error({ err }, 'planning failed: retrying')
        await sleep(RETRY_MS, undefined, { signal: this.#signal })
      })
    const followUp = planned.finally(() => {
      this.#isPlanning = false
      this.react()
    })
    this.#guard(followUp)
  }

  #enqueue(job: Job): void {
    if (job.state.status !== 'queued' || this.#queued.has(job.id)) return
    const { secrets, idTokens } = job.spec
    if ((secrets ?? idTokens) && !this.#admitted.has(job.id)) {
      this.#activate(job.id, this.#admit(job.id))
      return
    }
    this.#queued.add(job.id)
    const entry = queueEntry(this.ledger, job, {
      queuedAt: job.state.queuedAt,
      maxPriority: this.#deps.options.maxPriority ?? MAX_PRIORITY,
      secrets: this.#admitted.get(job.id),
      endsWithoutEngine: this.#deps.options.endsWithoutEngine,
    })
    this.#deps.queue.add({
      ...entry,
      place: (decision, link, reservation) => {
        this.#queued.delete(job.id)
        this.#activate(job.id, this.#place({ jobId: job.id, decision, link, reservation }))
      },
    })
    this.#guard(this.#watchSecrets(job.id))
  }

  /** Requeues a job when its secrets were restricted to other runners, or one was removed. */
  async #watchSecrets(id: JobId): Promise<void> {
    const kept = this.#admitted.get(id)
    const isWaiting = () => this.#queued.has(id) && this.#admitted.get(id) === kept
    const read = async () => (await this.#deps.secrets.give(id))?.kept
    if (!(await restrictionChanged(kept, { isWaiting, read, signal: this.#signal }))) return
    this.#dequeue(id)
    this.#admitted.delete(id)
    this.react()
  }

  /** Fails a job before it waits for a runner if it can't have the secrets that it names. */
  async #admit(id: JobId): Promise<void> {
    const given = await giveToJob(this.#deps, id)
    if (given) this.#admitted.set(id, given.kept ?? [])
  }

  #dequeue(id: JobId): void {
    if (this.#queued.delete(id)) this.#deps.queue.remove(id)
  }

  /** Stores the assignment, then dispatches the attempt. */
  async #place(placement: {
    jobId: JobId
    decision: Decision
    link: RunnerLink
    reservation: Disposable
  }): Promise<void> {
    using _slot = placement.reservation
    const { jobId, decision, link } = placement
    this.#admitted.delete(jobId)
    // The runner's configuration may have changed since it was chosen: then choose again.
    if (isStranger(this.ledger.event.trust) && !link.candidate().takesStrangers) return
    const given = await giveToJob(this.#deps, jobId)
    // The same for secrets that were restricted to other runners.
    if (!given || secretWithheld(given.kept, link.candidate().grants)) return
    const at = Date.now()
    const groups = groupPlaces(this.ledger.getJob(jobId), this.ledger.draft.pipeline)
    const isAssigned = await this.ledger.change(
      // Checks again whether it may be run.
      (draft) => withAssignment(draft, jobId, { decision, at }),
      {
        enter: groups.length > 0 ? (write) => enterGroups(write, groups) : undefined,
        audit: givenSecrets(this.ledger, jobId, given),
      },
    )
    if (!isAssigned || this.ledger.getJob(jobId).state.status !== 'assigned') return
    this.#log.info({ job: jobId, runner: decision.runnerName, why: decision.reason }, 'job placed')
    await this.#attempts.follow(jobId, link, given)
  }

  /** Resumes an attempt that was dispatched before this process knew of it. */
  async #resume(job: Job): Promise<void> {
    if (!isHeld(job.state)) return
    const link = this.#deps.pool.find(job.state.runnerId)
    const attempt = currentAttempt(job)
    if (link && attempt) {
      using _slot = link.reserve()
      await this.#attempts.follow(job.id, link, { resumeAfter: attempt.lastSeq })
    } else {
      const reason = 'its runner is not registered'
      await this.#attempts.settle(job.id, attempt, { kind: 'lost', reason })
    }
  }

  /** Runs work for one job; a failure of our own is logged, and retried after a while. */
  #activate(id: JobId, work: Promise<void>): void {
    this.#active.add(id)
    const followUp = work
      .catch(async (err: unknown) => {
        if (this.#isOver(err)) return
        this.#log.error({ err, job: id }, 'work on a job failed: retrying')
        await sleep(RETRY_MS, undefined, { signal: this.#signal })
      })
      .then(() => {
        this.#active.delete(id)
        this.react()
      })
    this.#guard(followUp)
  }

  /** For work that nobody awaits. */
  #guard(work: Promise<void>): void {
    work.catch((err: unknown) => {
      if (!this.#isOver(err)) this.#log.error({ err }, 'work on a pipeline failed')
    })
  }

  /** Whether this run is over, also by a stale write. */
  #isOver(reason: unknown): boolean {
    if (this.#signal.aborted) return true
    if (NarwhalError.from(reason).code !== 'stale') return false
    this.drop()
    return true
  }

  /** Stops the run: another dispatcher owns the pipeline. Attempts on runners continue. */
  drop(): void {
    if (this.#stale.signal.aborted) return
    this.#log.info('another dispatcher has taken the pipeline')
    this.#stale.abort(new NarwhalError('stale', 'another dispatcher has taken the pipeline'))
    this.dequeueAll()
    this.#deps.onStale()
  }

  /** Removes all its jobs from the queue, so that they are not placed by a dispatcher that may not. */
  dequeueAll(): void {
    for (const id of this.#queued) this.#dequeue(id)
  }
}
