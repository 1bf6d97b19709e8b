import { chunkOf } from '../../contract/log/log-chunk.ts'
import { addProgress } from '../../core/attempt/add-progress.ts'
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
import type { Job } from '../../core/job/job.ts'
import { CLEANUP_MS, cleanupOf, retryRights, timeoutOf } from '../../core/job/job-limits.ts'
import { resolveOutputs } from '../../core/job/resolve-outputs.ts'
import { advancePipeline, type PipelineDraft } from '../../core/pipeline/advance-pipeline.ts'
import type { JobSpec } from '../../core/plan/plan.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { LogAppend } from '../../store/ports/logs.ts'
import type { Vault } from '../../vault/vault.ts'
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
  readonly vault: Vault
  readonly idTokens: JobIdTokens
  readonly log: Logger
  readonly signal: AbortSignal
  readonly jobTimeoutMs: number
  readonly cleanupMs?: number
  readonly maxAttempts: number
  readonly logBytes?: number
  /** How long the lease of an attempt that was found running may last. */
  readonly patienceMs: number
  /** Whether leases may be confirmed now. */
  readonly mayConfirm: () => boolean
  /** Called after each change of the ledger. */
  readonly onChange: () => void
  /** Called when an attempt has ended, with the runner's own fault if there was one. */
  readonly onEnd: (link: RunnerLink, fault: string | undefined) => void
}

/** The attempts of one pipeline that are on runners: followed, stored, and seen to their end. */
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

  /** Notifies the runner that has the job, if any. */
  cancel(jobId: JobId, reason: string): void {
    this.#runs.get(jobId)?.cancel(reason)
  }

  /** Ends the cleanup of cancelled attempts: of this job, or of all; returns whether there may be one. */
  endCleanup(only: JobId | undefined): boolean {
    const runs = [...this.#runs].filter(([id]) => only === undefined || id === only)
    return runs.filter(([, run]) => run.endCleanup()).length > 0
  }

  /** Follows the current attempt of a job to its end; `resumeAfter`: it was dispatched before. */
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
        commit: commitOf(this.#ledger, this.#deps.vault),
        job: resolveOutputs(spec, this.#ledger.draft.jobs),
        env: jobEnv(this.#ledger, job, link.record.name),
        secrets,
        notMasked,
        notes,
        withheldIdTokens: withheld,
        timeoutMs,
        cleanupMs: cleanupOf(job, this.#deps.cleanupMs ?? CLEANUP_MS),
        logBytes: this.#logBytes,
      },
      fence: attempt.fence,
      link,
      store: (events) => this.#store({ jobId, attempt, link }, events),
      ...(resumeAfter === undefined ? {} : { resumeAfter, patienceMs }),
      mayConfirm,
      mint: spec.idTokens && ((names) => idTokens.mint({ jobId, attempt, link, timeoutMs }, names)),
      verify: () => this.#ledger.verify(),
      signal,
      log: log.child({ job: jobId, attempt: attempt.number, runner: link.record.name }),
    })
    this.#runs.set(jobId, run)
    const end = await run.run().finally(() => this.#runs.delete(jobId))
    if (end.kind === 'refused') link.onRefused()
    await this.settle(jobId, attempt, end)
  }

  /** Stores a batch of events together with everything that follows from them. */
  async #store(
    { jobId, attempt, link }: { jobId: JobId; attempt: Attempt; link: RunnerLink },
    events: readonly ReceivedEvent[],
  ): Promise<void> {
    const arrivedAt = Date.now()
    const { end } = await this.#ledger.changeWithLog((draft) => {
      const found = findAttempt(draft, jobId, attempt)
      if (!found) throw new NarwhalError('conflict', 'the attempt has a newer owner')
      const { job, stored } = found
      const rights = retryRights(job, attempt.number, this.#deps.maxAttempts)
      const limits = { arrivedAt, logBytes: this.#logBytes, ...rights }
      const progress = addProgress(stored, events, limits)
      const { number, fence, lastSeq, logBytes } = progress.attempt
      const { firstLine } = progress
      const chunks = chunksOf(progress, this.#logBytes)
      return {
        draft: advancePipeline(draft, progressChanges(jobId, stored, progress), Date.now()),
        log: { jobId, attempt: number, fence, lastSeq, logBytes, firstLine, chunks },
        end: progress.end,
      }
    })
    if (end && end.kind !== 'none') {
      this.#deps.onEnd(link, end.kind === 'faulty' ? end.reason : undefined)
    }
    this.#deps.onChange()
  }

  /** Ends or requeues the attempt if its stream has ended before it had. */
  async settle(jobId: JobId, attempt: Attempt | undefined, end: AttemptEnd): Promise<void> {
    if (!attempt || end.kind === 'stopped' || end.kind === 'reported') return
    const facts = { job: jobId, attempt: attempt.number, reason: end.reason }
    this.#deps.log.warn(facts, `attempt ${end.kind}`)
    const at = Date.now()
    const job = this.#ledger.getJob(jobId)
    const { maxAttempts } = retryRights(job, attempt.number, this.#deps.maxAttempts)
    const isLast = attempt.number >= maxAttempts
    const event = endOfConversation(attempt, end, { isLast, at })
    await this.#ledger.changeWithLog((draft) => {
      const stored = findAttempt(draft, jobId, attempt)?.stored
      const log = stored && lossAppend(jobId, stored, end, at)
      return { draft: advancePipeline(draft, [{ jobId, event }], at), log }
    })
  }
}

/** An attempt as it is in the draft; undefined: it has a newer owner. */
function findAttempt(
  draft: PipelineDraft,
  jobId: JobId,
  { number, fence }: Attempt,
): { readonly job: Job; readonly stored: Attempt } | undefined {
  const job = draft.jobs.find(({ id }) => id === jobId)
  const stored = job?.attempts.find((one) => one.number === number)
  return job && stored?.fence === fence ? { job, stored } : undefined
}

/** The line of a lost attempt's log that says so. */
function lossAppend(
  jobId: JobId,
  stored: Attempt,
  end: AttemptEnd,
  at: number,
): LogAppend | undefined {
  const note = noteOfLoss(stored, end)
  if (!note) return undefined
  const { number: attempt, fence, lastSeq, lines: firstLine } = stored
  const chunks = [chunkOf(note.step, [{ at, stream: 'narwhal', text: note.text }])]
  return { jobId, attempt, fence, lastSeq, firstLine, chunks }
}

/** The job without withheld id tokens. */
function withoutTokens({ idTokens, ...spec }: JobSpec, withheld: WithheldTokens): JobSpec {
  const rest = Object.entries(idTokens ?? {}).filter(([name]) => !Object.hasOwn(withheld, name))
  return rest.length > 0 ? { ...spec, idTokens: Object.fromEntries(rest) } : spec
}
