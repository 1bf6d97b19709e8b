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
  /** Disposed by the caller, after the runner. */
  readonly executor: Executor
  /** A folder that no other runner uses: mirrors and workspaces. */
  readonly dataDir: string
  readonly gitEnv: GitEnv
  /** If the caller has verified that the git on PATH is new enough, or needs none of what older ones lack. */
  readonly hasGit?: true
  /** If the caller has claimed `dataDir` already; it releases the claim after the runner's end. */
  readonly claim?: AsyncDisposable
  /** Programs with known vulnerabilities; `Describe` waits for them and reports them. */
  readonly flawedTools?: Promise<readonly FlawedTool[]>
  /** Keeps sandboxes in which a step has failed for inspection; see `FailedSandbox`. */
  readonly keepFailed?: KeepFailed | undefined
  /** A parser that is already warm; disposed by the runner. */
  readonly parser?: PipelineParser
}

export interface RunnerOptions {
  readonly name: string
  /** How many jobs run concurrently. */
  readonly slots: number
  readonly labels: readonly string[]
  /** Narwhal's version, as `Describe` reports it. */
  readonly version?: string
  /** What may run the jobs of strangers; by default, executors that run images. */
  readonly strangers?: readonly StrangerExecutor[]
  /** Limits of one job; by default all processors, four fifths of the memory, 4096 processes. */
  readonly limits?: SandboxLimits
  /** With less disk space left than this, the runner accepts no jobs; no limit by default. */
  readonly reserveBytes?: number
  /** What may be checked out; by default any size, and nothing from other hosts. */
  readonly checkouts?: CheckoutRules
  /** The mirrors' share of the disk; unlimited by default. */
  readonly mirrorBytes?: number
  /** What its jobs can reach, as it reports it. */
  readonly jobNetwork?: JobNetworkRules
  /** How long an attempt may be paused without a lease, in milliseconds; ORPHAN_MS by default. */
  readonly orphanMs?: number
}

/** By default. */
export const UNLIMITED: CheckoutRules = {
  limits: { files: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY },
  fetchHosts: [],
}
