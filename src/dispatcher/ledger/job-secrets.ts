import { findNearSecret } from '../../api/reads/near-secret.ts'
import type { JobId } from '../../core/ids.ts'
import type { Job } from '../../core/job/job.ts'
import { lacksApproval } from '../../core/pipeline/approve.ts'
import { type KeptSecret, secretTime } from '../../core/secret/secret-rules.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { SecretRecord } from '../../store/records.ts'
import type { Reads } from '../../store/store.ts'
import { secretPlace } from '../../vault/secret-values.ts'
import type { Vault } from '../../vault/vault.ts'
import { approvalAdvice, barJob } from './bar-job.ts'
import type { PipelineLedger } from './pipeline-ledger.ts'
import type { Recorder } from './recorder.ts'

/** The values of secrets by the environment variables that steps find them in. */
export type SecretValues = Readonly<Record<string, string>>

/** How to set a missing secret; with the server's command line by default. */
export type SecretAdvice = (name: string, repositoryName: string) => string

export interface JobSecretsDeps {
  readonly store: Reads<'secrets'>
  readonly vault: Vault
  readonly recorder: Recorder
  readonly secretAdvice?: SecretAdvice | undefined
}

/** The secrets that a job gets. */
export interface GivenSecrets {
  readonly values: SecretValues
  /** Those restricted to some runners. */
  readonly kept: readonly KeptSecret[]
  /** The variables whose values logs may show. */
  readonly notMasked: readonly string[]
  /** Lines about them for the job's log. */
  readonly notes: readonly string[]
}

/** A runner holds them in memory, and searches all output for them. */
const MOST_BYTES_OF_JOB = 128 * 1024

/**
 * Opens the secrets that a pipeline's jobs name when they are dispatched to a runner. A job that can't have
 * one ends in an error that says what to do. Values are not kept.
 */
export class JobSecrets {
  readonly #deps: JobSecretsDeps
  readonly #ledger: PipelineLedger

  constructor(deps: JobSecretsDeps, ledger: PipelineLedger) {
    this.#deps = deps
    this.#ledger = ledger
  }

  /** The secrets of a waiting job; undefined: it may not have them, and has been ended. */
  async give(id: JobId): Promise<GivenSecrets | undefined> {
    const job = this.#ledger.getJob(id)
    if (!job.spec.secrets) return NONE
    const { event, draft } = this.#ledger
    if (lacksApproval(event.trust, job, draft.pipeline.approval)) {
      const names = list(namesOf(job))
      const reason = `it names ${names}, and its commit is a stranger's: ${approvalAdvice(job)}`
      await barJob(this.#ledger, job, { reason, needsApproval: true })
      return undefined
    }
    try {
      return await this.#open(job)
    } catch (error) {
      await barJob(this.#ledger, job, { reason: describeError(error), needsApproval: false })
      return undefined
    }
  }

  async #open(job: Job): Promise<GivenSecrets> {
    const { store, vault, recorder } = this.#deps
    const { id, name: repositoryName } = this.#ledger.repository
    const names = namesOf(job)
    const found = await recorder.retryWhileUnavailable(() => store.secrets.listFor(id, names))
    const values = new Map<string, string>()
    for (const secret of found)
      values.set(secret.name, vault.open(secret.sealed, secretPlace(secret)))
    const missing = names.filter((name) => !values.has(name))
    if (missing.length > 0) {
      const [first = ''] = missing
      const near = await findNearSecret(store, id, first)
      const advice = near
        ? `did you mean ${near}?`
        : (this.#deps.secretAdvice ?? byCommandLine)(first, repositoryName)
      const verb = missing.length === 1 ? 'is' : 'are'
      throw new NarwhalError('not_found', `${list(missing)} ${verb} not set: ${advice}`)
    }
    const now = Date.now()
    const over = found.find(({ expiresAt }) => secretTime(expiresAt, now).status === 'over')
    if (over) throw new NarwhalError('forbidden', overInWords(over, now, repositoryName))
    const bytes = [...values.values()].reduce((sum, value) => sum + Buffer.byteLength(value), 0)
    if (bytes > MOST_BYTES_OF_JOB) {
      const words = `its secrets have more than ${MOST_BYTES_OF_JOB / 1024} KiB together`
      throw new NarwhalError('too_large', words)
    }
    const variables = Object.entries(job.spec.secrets ?? {})
    const shown = new Set(found.flatMap(({ isNotMasked, name }) => (isNotMasked ? [name] : [])))
    return {
      values: Object.fromEntries(
        variables.map(([variable, name]) => [variable, values.get(name) ?? '']),
      ),
      kept: found.flatMap(({ name, runners }) => (runners ? [{ name, runners }] : [])),
      notMasked: variables.flatMap(([variable, name]) => (shown.has(name) ? [variable] : [])),
      notes: found.flatMap(({ name, expiresAt }) => {
        const time = secretTime(expiresAt, now)
        return time.status === 'good' ? [] : [`the secret ${name} ${time.words}`]
      }),
    }
  }
}

const NONE: GivenSecrets = { values: {}, kept: [], notMasked: [], notes: [] }

function namesOf({ spec }: Job): string[] {
  return [...new Set(Object.values(spec.secrets ?? {}))]
}

function list(names: readonly string[]): string {
  return names.length === 1 ? `the secret ${names[0]}` : `the secrets ${names.join(', ')}`
}

function byCommandLine(name: string, repositoryName: string): string {
  return `set it with \`narwhal secret set ${name} --repository ${repositoryName}\`, and run the job again`
}

function overInWords(
  { name, repositoryId, expiresAt }: SecretRecord,
  now: number,
  repositoryName: string,
): string {
  const time = secretTime(expiresAt, now)
  const of = repositoryId === undefined ? '' : ` --repository ${repositoryName}`
  const words = time.status === 'good' ? '' : time.words
  return `the secret ${name} ${words}: set it again with \`narwhal secret set ${name}${of}\`, and run the job again`
}
