import type { NamedIdToken } from '../../contract/rpc/attempt-requests.ts'
import { type Attempt, startedAtOf } from '../../core/attempt/attempt.ts'
import type { IdTokenSpec } from '../../core/id-token/id-token.ts'
import { audiencesOf, MOST_ID_TOKENS } from '../../core/id-token/id-token.ts'
import type { JobId } from '../../core/ids.ts'
import type { Job } from '../../core/job/job.ts'
import { isHeld } from '../../core/job/job-state.ts'
import { isApproved } from '../../core/pipeline/approval.ts'
import { isStranger } from '../../core/stranger/stranger.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { approvalAdvice, barJob } from '../ledger/bar-job.ts'
import type { PipelineLedger } from '../ledger/pipeline-ledger.ts'
import type { Recorder } from '../ledger/recorder.ts'
import type { RunnerLink } from '../runners/runner-link.ts'
import type { IdTokenMinter } from './minter.ts'

export interface JobIdTokensDeps {
  readonly minter: IdTokenMinter
  readonly recorder: Pick<Recorder, 'retryWhileUnavailable'>
}

/** Of optional tokens that a job does not get: why, by their names. */
export type WithheldTokens = Readonly<Record<string, string>>

/** Which attempt wants tokens. */
export interface TokenAsker {
  readonly jobId: JobId
  readonly attempt: Attempt
  readonly link: RunnerLink
  /** How long the attempt may take, in milliseconds; 0: for ever. */
  readonly timeoutMs: number
}

/**
 * The id tokens of a pipeline's jobs. Whether a job may have them is decided before it waits for a runner, when it
 * is handed over, and again whenever one is made: a job that must have one and can't ends in an error
 * that says what to do.
 */
export class JobIdTokens {
  readonly #deps: JobIdTokensDeps
  readonly #ledger: PipelineLedger

  constructor(deps: JobIdTokensDeps, ledger: PipelineLedger) {
    this.#deps = deps
    this.#ledger = ledger
  }

  /** What a job that waits has to do without; undefined when it can't do without, and has ended. */
  async admit(id: JobId): Promise<WithheldTokens | undefined> {
    const job = this.#ledger.getJob(id)
    const withheld: Record<string, string> = {}
    for (const [name, spec] of Object.entries(job.spec.idTokens ?? {})) {
      const refusal = this.#refusalOf(spec)
      if (!refusal) continue
      if (!spec.optional || refusal.isMistake) {
        await this.#bar(job, name, refusal)
        return undefined
      }
      withheld[name] = refusal.reason
    }
    return withheld
  }

  /** Makes tokens of these names; rejects, with the reason, where the attempt has no right to one. */
  async mint(asker: TokenAsker, names: readonly string[]): Promise<NamedIdToken[]> {
    const { jobId, attempt, link, timeoutMs } = asker
    if (names.length > MOST_ID_TOKENS) throw new NarwhalError('invalid', 'too many names')
    // Only whoever has the pipeline may speak for its jobs.
    await this.#ledger.verify()
    const { state, spec, attempts } = this.#ledger.getJob(jobId)
    if (!isHeld(state) || state.fence !== attempt.fence) {
      throw new NarwhalError('conflict', 'the attempt is over')
    }
    const { event, repository } = this.#ledger
    const { pipeline } = this.#ledger.draft
    const { name: runner } = link.record
    const facts = {
      repository,
      event,
      stranger: isStranger(event.trust),
      pipeline,
      job: { id: jobId, name: spec.name, attempt: attempt.number },
      runner: { name: runner, link: link.record.link.kind },
    }
    const known = attempts.findLast((one) => one.fence === attempt.fence) ?? attempt
    const began = startedAtOf(known) ?? known.assignedAt
    const endsAt = timeoutMs > 0 ? began + timeoutMs : Infinity
    const tokens: NamedIdToken[] = []
    for (const name of new Set(names)) {
      const token = Object.hasOwn(spec.idTokens ?? {}, name) ? spec.idTokens?.[name] : undefined
      if (!token) throw new NarwhalError('invalid', `the job asks for no id token ${name}`)
      const refusal = this.#refusalOf(token)
      if (refusal) throw new NarwhalError('forbidden', refusal.reason)
      const { recorder, minter } = this.#deps
      tokens.push({
        name,
        ...(await recorder.retryWhileUnavailable(() => minter.mint(token, facts, endsAt))),
      })
    }
    return tokens
  }

  #refusalOf(spec: IdTokenSpec): TokenRefusal | undefined {
    const { trouble, issuer } = this.#deps.minter
    if (trouble !== undefined) return { reason: trouble }
    if (issuer !== undefined && audiencesOf(spec).includes(issuer)) {
      const reason = `its audience is ${issuer}, which is Narwhal itself: name whom it is for`
      return { reason, isMistake: true }
    }
    const { event, draft } = this.#ledger
    if (isApproved(event.trust, draft.pipeline.approval)) return undefined
    return {
      reason: "its commit is a stranger's, and nobody has approved it",
      isUnapproved: true,
    }
  }

  async #bar(job: Job, name: string, refusal: TokenRefusal): Promise<void> {
    const needsApproval = refusal.isUnapproved ?? false
    const mend = needsApproval ? `: ${approvalAdvice(job)}` : ''
    const reason = `it can't have the id token ${name}: ${refusal.reason}${mend}`
    await barJob(this.#ledger, job, { reason, needsApproval })
  }
}

/** Why a token is not given, in words. */
interface TokenRefusal {
  readonly reason: string
  /** The file is wrong: it never could be given. */
  readonly isMistake?: true
  /** Until somebody has approved the pipeline. */
  readonly isUnapproved?: true
}
