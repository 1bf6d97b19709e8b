import type { SecretAdvice } from '../ledger/job-secrets.ts'
import type { AllowedInclude } from './include-sources.ts'

/** An hour of waiting: a repository that asks for more has no more of it. */
export const MAX_PRIORITY = 6

/** What holds for all pipelines of a dispatcher. */
export interface PipelineOptions {
  /** How long a job may run, in milliseconds. */
  readonly jobTimeoutMs: number
  /** How many attempts a job gets when runners are lost. */
  readonly maxAttempts: number
  /** How far a job's priority counts; each level is worth ten minutes of waiting. */
  readonly maxPriority?: number
  /** What the log of an attempt may have, in bytes of text; LOG_BYTES unless told. */
  readonly logBytes?: number
  /** What waits for approval ends after so many milliseconds; 30 days unless told. */
  readonly approvalMs?: number
  /** Whether a job that wants containers ends where no runner has an engine; else it waits for one. */
  readonly endsWithoutEngine?: boolean
  readonly secretAdvice?: SecretAdvice
  /** The repositories that files may be included from; absent: none. */
  readonly includes?: readonly AllowedInclude[]
}
