import type { SecretAdvice } from '../ledger/job-secrets.ts'
import type { AllowedInclude } from './include-sources.ts'

/** Worth an hour of waiting: higher priorities count as this one. */
export const MAX_PRIORITY = 6

/** Options for all pipelines of a dispatcher. */
export interface PipelineOptions {
  /** The default timeout of a job, in milliseconds. */
  readonly jobTimeoutMs: number
  /** How long cleanup steps may take in all after a cancel or a timeout, in milliseconds; 0: there are none. */
  readonly cleanupMs?: number
  /** How many attempts a job gets when runners are lost. */
  readonly maxAttempts: number
  /** The highest priority that counts; each level is worth ten minutes of waiting. */
  readonly maxPriority?: number
  /** The size limit of an attempt's log, in bytes of text; LOG_BYTES by default. */
  readonly logBytes?: number
  /** How long pipelines wait for approval, in milliseconds; 30 days by default. */
  readonly approvalMs?: number
  /** Whether a job that needs containers ends if no runner has an engine; otherwise it waits for one. */
  readonly endsWithoutEngine?: boolean
  readonly secretAdvice?: SecretAdvice
  /** The repositories that files may be included from; absent: none. */
  readonly includes?: readonly AllowedInclude[]
}
