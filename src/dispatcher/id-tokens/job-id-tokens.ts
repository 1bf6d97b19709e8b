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

/** Why a job does not get optional tokens, by their names. */
export type WithheldTokens = Readonly<Record<string, string>>

/** The attempt that asks for tokens. */
export interface TokenAsker {
  readonly jobId: JobId
  readonly attempt: Attempt
  readonly link: RunnerLink
  /** The timeout of the attempt, in milliseconds; 0: none. */
  readonly timeoutMs: number
}

/**
 * The id tokens of a pipeline's jobs. Whether a job may have them is checked before it is queued, when it is
 * dispatched, and whenever a token is minted: a job that needs one and can't have it ends in an error that
 * says what to do.
 */
export class JobIdTokens {
  readonly #deps: JobIdTokensDeps
  readonly #ledger: PipelineLedger

  constructor(deps: JobIdTokensDeps, ledger: PipelineLedger) {
    this.#deps = deps
    this.#ledger = ledger
  }

  /** The tokens that a waiting job has to do without; undefined: it can't, and has been ended. */
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

  /** Mints tokens of these names; rejects, with the reason, if the attempt has no right to one. */
  async mint(asker: TokenAsker, names: readonly string[]): Promise<NamedIdToken[]> {
    const { jobId, attempt, link, timeoutMs } = asker
    if (names.length > MOST_ID_TOKENS) throw new NarwhalError('invalid', 'too many names')
    // Only the owner of the pipeline may speak for its jobs.
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
      if (!token) throw new NarwhalError('invalid', `the job does not request the id token ${name}`)
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
      const reason = `its audience is ${issuer}, which is Narwhal itself: set it to the service that is to accept it`
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
    const advice = needsApproval ? `: ${approvalAdvice(job)}` : ''
    const reason = `it can't have the id token ${name}: ${refusal.reason}${advice}`
    await barJob(this.#ledger, job, { reason, needsApproval })
  }
}

interface TokenRefusal {
  readonly reason: string
  /** The pipeline file is wrong: the token could never be given. */
  readonly isMistake?: true
  /** Given once the pipeline is approved. */
  readonly isUnapproved?: true
}
