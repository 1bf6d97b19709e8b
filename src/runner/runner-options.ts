import type { FlawedTool } from '../core/flawed-tool.ts'
import type { JobNetworkRules } from '../core/job-network.ts'
import type { StrangerExecutor } from '../core/placement/strangers.ts'
import type { GitEnv } from '../lib/git/git.ts'
import type { Logger } from '../lib/log.ts'
import type { KeepFailed } from './attempt/failed-sandbox.ts'
import type { CheckoutRules } from './checkout/checkouts.ts'
import type { Executor, SandboxLimits } from './executor/executor.ts'
import type { PipelineParser } from './plan/plan-commit.ts'

export interface RunnerDeps {
  readonly log: Logger
  /** The caller's to dispose, after the runner. */
  readonly executor: Executor
  /** A folder that no other runner uses: mirrors and workspaces. */
  readonly dataDir: string
  readonly gitEnv: GitEnv
  /** Says that the caller has claimed `dataDir` already, and gives it up after the runner's end. */
  readonly claim?: AsyncDisposable
  /** The programs with known holes that it tells of; waited for when it is asked who it is. */
  readonly flawedTools?: Promise<readonly FlawedTool[]>
  /** Keeps sandboxes in which a step has failed, for a person to look at; see `FailedSandbox`. */
  readonly keepFailed?: KeepFailed | undefined
  /** One that is warm already; the runner's to dispose. */
  readonly parser?: PipelineParser
}

export interface RunnerOptions {
  readonly name: string
  /** How many jobs run at once. */
  readonly slots: number
  readonly labels: readonly string[]
  /** Narwhal's version, as `Describe` tells it. */
  readonly version?: string
  /** What may run the jobs of strangers; whatever runs images unless told. */
  readonly strangers?: readonly StrangerExecutor[]
  /** What one job may use; absent: all processors, four fifths of the memory, 4096 processes. */
  readonly limits?: SandboxLimits
  /** With less of the disk left the runner takes no jobs; anything will do unless told. */
  readonly reserveBytes?: number
  /** What checkouts may bring; absent: any size, and nothing from other hosts. */
  readonly checkouts?: CheckoutRules
  /** How much of the disk the mirrors may take; without end unless told. */
  readonly mirrorBytes?: number
  /** What its jobs reach, as it tells of it. */
  readonly jobNetwork?: JobNetworkRules
  /** How long an attempt may stand still without a lease, in milliseconds; ORPHAN_MS unless told. */
  readonly orphanMs?: number
}

/** Where nothing else is told. */
export const FREELY: CheckoutRules = {
  limits: { files: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY },
  fetchHosts: [],
}
