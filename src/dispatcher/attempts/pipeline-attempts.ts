import { chunkOf } from '../../contract/log/log-chunk.ts'
import { addProgress, type Progress } from '../../core/attempt/add-progress.ts'
import type { Attempt } from '../../core/attempt/attempt.ts'
import {
  currentAttempt,
  endOfConversation,
  noteOfLoss,
  progressChanges,
} from '../../core/attempt/attempt-changes.ts'
import type { AttemptEnd } from '../../core/attempt/attempt-end.ts'
import type { ReceivedEvent } from '../../core/attempt/attempt-event.ts'
import { LOG_BYTES } from '../../core/attempt/log-limit.ts'
import type { JobId } from '../../core/ids.ts'
import { retryRights, timeoutOf } from '../../core/job/job-limits.ts'
import { withOutputs } from '../../core/job/with-outputs.ts'
import { advancePipeline, type PipelineDraft } from '../../core/pipeline/advance-pipeline.ts'
import type { JobSpec } from '../../core/plan/plan.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { JobIdTokens, WithheldTokens } from '../id-tokens/job-id-tokens.ts'
import { chunksOf } from '../ledger/chunks-of.ts'
import type { PipelineLedger } from '../ledger/pipeline-ledger.ts'
import { commitOf } from '../pipelines/plan-pipeline.ts'
import type { RunnerLink } from '../runners/runner-link.ts'
import { AttemptRun } from './attempt-run.ts'
import type { GivenToJob } from './given-to-job.ts'
import { jobEnv } from './job-env.ts'

export interface PipelineAttemptsDeps {
  readonly ledger: PipelineLedger
  readonly idTokens: JobIdTokens
  readonly log: Logger
  readonly signal: AbortSignal
  readonly jobTimeoutMs: number
  readonly maxAttempts: number
  readonly logBytes?: number
  /** How long the lease of an attempt that is found running may last. */
  readonly patienceMs: number
  /** Whether leases may be confirmed now. */
  readonly mayConfirm: () => boolean
  /** Called after each change of the ledger. */
  readonly onChange: () => void
  /** Counts how a runner's attempt has ended: by a fault of its own, or not. */
  readonly onEnd: (link: RunnerLink, fault: string | undefined) => void
}

/** The attempts of one pipeline that runners have: followed, stored, and brought to their end. */
export class PipelineAttempts {
  readonly #deps: PipelineAttemptsDeps
  readonly #ledger: PipelineLedger
  readonly #runs = new Map<JobId, AttemptRun>()

  constructor(deps: PipelineAttemptsDeps) {
    this.#deps = deps
    this.#ledger = deps.ledger
  }

  get #logBytes(): number {
    return this.#deps.logBytes ?? LOG_BYTES
  }

  /** Tells the runner that has the job, if one has it. */
  cancel(jobId: JobId, reason: string): void {
    this.#runs.get(jobId)?.cancel(reason)
  }

  /** Sees the current attempt of a job through; `resumeAfter` if it was handed over before. */
  async follow(
    jobId: JobId,
    link: RunnerLink,
    given: GivenToJob & { resumeAfter?: number },
  ): Promise<void> {
    const { secrets = {}, withheld = {}, resumeAfter, notMasked = [], notes = [] } = given
    const job = this.#ledger.getJob(jobId)
    const attempt = currentAttempt(job)
    if (!attempt) return
    const { log, signal, jobTimeoutMs, mayConfirm, patienceMs, idTokens } = this.#deps
    const timeoutMs = timeoutOf(job, jobTimeoutMs)
    const spec = withoutTokens(job.spec, withheld)
    const run = new AttemptRun({
      order: {
        jobId,
        attempt: attempt.number,
        commit: commitOf(this.#ledger),
        job: withOutputs(spec, this.#ledger.draft.jobs),
        env: jobEnv(this.#ledger, job, link.record.name),
        secrets,
        notMasked,
        notes,
        withheldIdTokens: withheld,
        timeoutMs,
        logBytes: this.#logBytes,
      },
      fence: attempt.fence,
      link,
      store: (events) => this.#store({ jobId, attempt, link }, events),
      ...(resumeAfter === undefined ? {} : { resumeAfter, patienceMs }),
      mayConfirm,
      ...(spec.idTokens
        ? { mint: (names) => idTokens.mint({ jobId, attempt, link, timeoutMs }, names) }
        : {}),
      verify: () => this.#ledger.verify(),
      signal,
      log: log.child({ job: jobId, attempt: attempt.number, runner: link.record.name }),
    })
    this.#runs.set(jobId, run)
    const end = await run.run().finally(() => this.#runs.delete(jobId))
    if (end.kind === 'refused') link.noteRefusal()
    await this.settle(jobId, attempt, end)
  }

  /** Stores a batch of events together with all that follows from them. */
  async #store(
    { jobId, attempt, link }: { jobId: JobId; attempt: Attempt; link: RunnerLink },
    events: readonly ReceivedEvent[],
  ): Promise<void> {
    const limits = { arrivedAt: Date.now(), logBytes: this.#logBytes }
    const progressOf = (draft: PipelineDraft): { stored: Attempt; progress: Progress } => {
      const job = draft.jobs.find(({ id }) => id === jobId)
      const stored = job?.attempts.find(({ number }) => number === attempt.number)
      if (!job || !stored || stored.fence !== attempt.fence) {
        throw new NarwhalError('conflict', 'the attempt has a newer owner')
      }
      const rights = retryRights(job, attempt.number, this.#deps.maxAttempts)
      return { stored, progress: addProgress(stored, events, { ...limits, ...rights }) }
    }
    let ended: Progress['end']
    await this.#ledger.change(
      (draft) => {
        const { stored, progress } = progressOf(draft)
        ended = progress.end
        return advancePipeline(draft, progressChanges(jobId, stored, progress), Date.now())
      },
      {
        log: (draft) => {
          const { progress } = progressOf(draft)
          const { number, fence, lastSeq, logBytes } = progress.attempt
          const { firstLine } = progress
          const chunks = chunksOf(progress, this.#logBytes)
          return { jobId, attempt: number, fence, lastSeq, logBytes, firstLine, chunks }
        },
      },
    )
    if (ended && ended.kind !== 'none') {
      this.#deps.onEnd(link, ended.kind === 'faulty' ? ended.reason : undefined)
    }
    this.#deps.onChange()
  }

  /** Draws the conclusion from the end of a conversation. */
  async settle(jobId: JobId, attempt: Attempt | undefined, end: AttemptEnd): Promise<void> {
    if (!attempt || end.kind === 'stopped' || end.kind === 'reported') return
    const facts = { job: jobId, attempt: attempt.number, reason: end.reason }
    this.#deps.log.warn(facts, `attempt ${end.kind}`)
    const at = Date.now()
    const job = this.#ledger.getJob(jobId)
    const { maxAttempts } = retryRights(job, attempt.number, this.#deps.maxAttempts)
    const isLast = attempt.number >= maxAttempts
    const event = endOfConversation(attempt, end, { isLast, at })
    const { fence } = attempt
    await this.#ledger.change((draft) => advancePipeline(draft, [{ jobId, event }], at), {
      log: (draft) => {
        const job = draft.jobs.find(({ id }) => id === jobId)
        const stored = job?.attempts.find(({ number }) => number === attempt.number)
        if (!stored || stored.fence !== fence) return undefined
        const note = noteOfLoss(stored, end)
        if (!note) return undefined
        const { step, text } = note
        const chunks = [chunkOf(step, [{ at, stream: 'narwhal', text }])]
        const { number, lastSeq, lines: firstLine } = stored
        return { jobId, attempt: number, fence, lastSeq, firstLine, chunks }
      },
    })
  }
}

/** The job without the tokens that it does not get. */
function withoutTokens({ idTokens, ...spec }: JobSpec, withheld: WithheldTokens): JobSpec {
  const rest = Object.entries(idTokens ?? {}).filter(([name]) => !Object.hasOwn(withheld, name))
  return rest.length > 0 ? { ...spec, idTokens: Object.fromEntries(rest) } : spec
}
