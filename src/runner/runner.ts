import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import type { AttemptOrder } from '../contract/rpc/attempt-requests.ts'
import type { PlannedCommit, PlanOrder } from '../contract/rpc/planned-commit.ts'
import type { Orphan } from '../contract/rpc/runner-report.ts'
import { ORPHAN_MS } from '../core/attempt/lease.ts'
import type { ContainerWay } from '../core/container-way.ts'
import type { FlawedTool } from '../core/flawed-tool.ts'
import type { AttemptRef } from '../core/ids.ts'
import type { JobNetworkRules } from '../core/job-network.ts'
import type { Engine } from '../core/placement/placement.ts'
import { STRANGER_EXECUTORS } from '../core/placement/strangers.ts'
import { EventHub } from '../lib/async/event-hub.ts'
import { within } from '../lib/async/within.ts'
import { NarwhalError } from '../lib/errors.ts'
import { newId } from '../lib/new-id.ts'
import { present } from '../lib/present.ts'
import { Wake } from '../lib/wake.ts'
import { Attempt, type LeaseGrant } from './attempt/attempt.ts'
import { FormerAttempt } from './attempt/former-attempt.ts'
import type { DecidedEnd, KnownAttempt } from './attempt/known-attempt.ts'
import { KnownAttempts, keyOf } from './attempt/known-attempts.ts'
import { RunningAttempts } from './attempt/running-attempts.ts'
import { Checkouts } from './checkout/checkouts.ts'
import { DiskWatch } from './disk/disk-watch.ts'
import type { Trash } from './disk/trash.ts'
import type { SandboxLimits } from './executor/executor.ts'
import { StrangersGuard } from './executor/strangers-guard.ts'
import { MirrorCache } from './mirror/mirror-cache.ts'
import { PipelineFileParser } from './plan/pipeline-file-parser.ts'
import { type PipelineParser, planCommit } from './plan/plan-commit.ts'
import { Readiness } from './readiness.ts'
import { type RunnerDeps, type RunnerOptions, UNLIMITED } from './runner-options.ts'
import type { Spools } from './spool/spools.ts'

const DISPOSE_GRACE_MS = 20_000
/** How long the last events may take to be acknowledged at shutdown. */
const LAST_EVENTS_MS = 5_000
const LONGEST_WAIT_MS = 1_000

/** What `startRunner` has opened for it. */
export interface OwnedParts {
  readonly spools: Spools
  /** Of workspaces that are not needed any more. */
  readonly trash: Trash
  readonly parts: AsyncDisposable
}

/**
 * Runs attempts in its slots for any dispatcher, and keeps their events until they are acknowledged.
 *
 * - A slot is occupied from the start of an attempt to its event `finished`. Teardowns run in the
 *   background; those in excess of the number of slots occupy slots, so that they stay bounded.
 * - At most one attempt of a job runs here; fencing tokens only grow.
 */
export class Runner implements AsyncDisposable {
  readonly instanceId = newId('instance')
  readonly name: string
  readonly slots: number
  readonly labels: readonly string[]
  readonly version: string
  readonly dataDir: string
  readonly jobNetwork: JobNetworkRules | undefined
  readonly flawedTools: Promise<readonly FlawedTool[]>
  readonly #deps: RunnerDeps
  readonly #executor: StrangersGuard
  readonly #spools: Spools
  readonly #owned: OwnedParts
  readonly #limits: SandboxLimits
  readonly #disks: DiskWatch
  readonly #mirrors: MirrorCache
  readonly #checkouts: Checkouts
  readonly #parser: PipelineParser
  readonly #readiness: Readiness
  readonly #orphanMs: number
  readonly #attempts: KnownAttempts
  readonly #running: RunningAttempts
  readonly #changes: EventHub<void>
  readonly #ended = new AbortController()
  #draining = false
  #isClosing = false
  #disposed: Promise<void> | undefined

  /** Use `startRunner`. */
  constructor(deps: RunnerDeps, options: RunnerOptions, owned: OwnedParts) {
    this.name = options.name
    this.slots = options.slots
    this.labels = options.labels
    this.version = options.version ?? 'unknown'
    this.dataDir = deps.dataDir
    this.jobNetwork = options.jobNetwork
    this.flawedTools = deps.flawedTools ?? Promise.resolve([])
    this.#deps = deps
    this.#spools = owned.spools
    this.#owned = owned
    this.#orphanMs = options.orphanMs ?? ORPHAN_MS
    this.#limits = options.limits ?? {
      memoryBytes: Math.floor(totalmem() * 0.8),
      cpus: availableParallelism(),
      processes: 4096,
    }
    this.#disks = new DiskWatch(deps.log)
    this.#parser = deps.parser ?? new PipelineFileParser()
    const executor = new StrangersGuard(deps.executor, options.strangers ?? STRANGER_EXECUTORS)
    this.#executor = executor
    const sandboxes = {
      executor,
      workspaces: this.#workspaces,
      limits: this.#limits,
      room: { folder: deps.dataDir, reserveBytes: options.reserveBytes ?? 0 },
    }
    this.#readiness = new Readiness(sandboxes, owned.spools)
    this.#mirrors = new MirrorCache({
      folder: join(deps.dataDir, 'mirrors'),
      env: deps.gitEnv,
      log: deps.log,
      ...present({ maxBytes: options.mirrorBytes }),
    })
    this.#checkouts = new Checkouts(this.#mirrors, deps.gitEnv, options.checkouts ?? UNLIMITED)
    this.#changes = new EventHub((err) => deps.log.error({ err }, 'listener failed'))
    this.#attempts = new KnownAttempts({ log: deps.log, onChange: () => this.#changes.emit() })
    this.#running = new RunningAttempts({
      finished: (attempt) => this.#attempts.finish(attempt),
      change: () => this.#changes.emit(),
    })
    for (const recovered of owned.spools.recovered) {
      const onReaders = () => this.#attempts.readerChanged()
      this.#attempts.addFormer(new FormerAttempt(recovered, onReaders))
    }
  }

  /** Aborts when the runner has been disposed: its streams end. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  get engines(): readonly Engine[] {
    return this.#deps.executor.engines
  }

  get containers(): ContainerWay | undefined {
    return this.#deps.executor.containers
  }

  /** The engines that may run the jobs of strangers. */
  get strangerEngines(): readonly Engine[] {
    return this.#executor.strangerEngines
  }

  get draining(): boolean {
    return this.#draining || this.#isClosing
  }

  /** The number of occupied slots. */
  get busy(): number {
    return this.#attempts.running + Math.max(0, this.#running.tearingDown - this.slots)
  }

  /** Attempts that no dispatcher asks about, running ones first. */
  get orphans(): readonly Orphan[] {
    return this.#attempts.orphans
  }

  /** Empty while jobs can run here, otherwise what is wrong; checked at most every 5 seconds. */
  trouble(): Promise<string> {
    return this.#readiness.trouble()
  }

  /** Opens a sandbox and runs a step in it. Empty on success, otherwise what is wrong. */
  probe(): Promise<string> {
    return this.#readiness.probe()
  }

  /** Calls the listener after each change of `busy`, `draining` or `orphans`. */
  onChange(listener: () => void): Disposable {
    return this.#changes.listen(listener)
  }

  drain(draining: boolean): void {
    this.#draining = draining
    this.#changes.emit()
  }

  /** Rejects as `planCommit` does. */
  plan(order: PlanOrder, signal: AbortSignal): Promise<PlannedCommit> {
    const { gitEnv: env } = this.#deps
    const deps = { mirrors: this.#mirrors, parser: this.#parser, env }
    return planCommit(order, deps, signal)
  }

  /**
   * Starts the attempt; idempotent. Throws `stale` when a newer fencing token is known, `exhausted`
   * when no slot is free or the runner is draining.
   */
  start(order: AttemptOrder, grant: LeaseGrant): KnownAttempt {
    const known = this.#attempts.find(order, grant.fence)
    if (known) {
      known.leaseTimes = grant.times
      return known
    }
    const former = this.#running.supersede(order)
    if (this.#disposed || this.draining) {
      throw new NarwhalError('exhausted', `runner ${this.name} accepts no new jobs: it is draining`)
    }
    if (this.busy >= this.slots) {
      throw new NarwhalError('exhausted', `runner ${this.name} is full: ${this.slots} slots`)
    }
    const attempt = new Attempt(order, {
      executor: this.#executor,
      mirrors: this.#mirrors,
      checkouts: this.#checkouts,
      trash: this.#owned.trash,
      limits: this.#limits,
      disks: this.#disks,
      workspaces: this.#workspaces,
      instanceId: this.instanceId,
      runnerName: this.name,
      spools: this.#spools,
      grant,
      former,
      orphanMs: this.#orphanMs,
      onReaders: () => this.#attempts.readerChanged(),
      keepFailed: this.#deps.keepFailed,
      log: this.#deps.log,
    })
    this.#attempts.add(attempt)
    this.#running.add(attempt)
    this.#changes.emit()
    return attempt
  }

  /** Returns an attempt that runs or is not yet acknowledged; throws `stale`, `not_found`. */
  resume(ref: AttemptRef, grant: LeaseGrant): KnownAttempt {
    const attempt = this.#attempts.find(ref, grant.fence)
    if (!attempt) {
      throw new NarwhalError('not_found', `attempt ${keyOf(ref)} is not on runner ${this.name}`)
    }
    attempt.leaseTimes = grant.times
    return attempt
  }

  /** Drops a finished attempt once all of its events are acknowledged. */
  acknowledge(attempt: KnownAttempt, throughSeq: number): void {
    this.#attempts.acknowledge(attempt, throughSeq)
  }

  /** Ends and drops an orphan; throws `not_found`, `stale`. */
  discard({ fence, ...ref }: Orphan): void {
    this.#attempts.discard(ref, fence)
  }

  /**
   * Shuts down gracefully: accepts no new attempts, hands back those that have not started a step,
   * gives the others `deadlineMs` milliseconds to finish, hands back the rest, and waits up to five
   * seconds for acknowledgements. Streams and heartbeats continue meanwhile; disposal cuts it short.
   * The runner must still be disposed; what is not acknowledged by then is sent after the next start.
   */
  async close({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    this.#isClosing = true
    this.#changes.emit()
    this.#running.stop(this.#handBack, 'idle')
    await this.#until(() => this.#running.running === 0, deadlineMs)
    this.#running.stop(this.#handBack)
    await this.#until(() => this.#running.running === 0, DISPOSE_GRACE_MS)
    await this.#until(() => !this.#attempts.isReporting, LAST_EVENTS_MS)
  }

  /**
   * As `close`, but stops what runs, after its cleanup; `hasCleanup`: there are steps left for that. Undefined if no
   * step has begun: then nothing was done.
   */
  closeAfterCleanup(
    reason: string,
  ): { readonly hasCleanup: boolean; readonly closed: Promise<void> } | undefined {
    if (!this.#running.hasBegun) return undefined
    const hasCleanup = this.#running.mayCleanUp
    this.#isClosing = true
    this.#changes.emit()
    this.#running.stop({ outcome: 'cancelled', reason }, 'all', 'gently')
    return { hasCleanup, closed: this.#untilReported() }
  }

  /** Waits until nothing runs, which the attempts' own limits see to, and all is acknowledged. */
  async #untilReported(): Promise<void> {
    await this.#until(() => this.#running.running === 0, Infinity)
    await this.#until(() => !this.#attempts.isReporting, LAST_EVENTS_MS)
  }

  /** Ends every attempt and waits for the teardowns; the mirrors and the spool stay. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#dispose()
    await this.#disposed
  }

  async #dispose(): Promise<void> {
    this.#running.stop(this.#handBack)
    const late = new NarwhalError('unavailable', 'shutting down before all attempts are torn down')
    await within(DISPOSE_GRACE_MS, this.#running.untilTornDown(), late).catch(() => {
      this.#deps.log.error(late.message)
    })
    this.#ended.abort(new NarwhalError('unavailable', `runner ${this.name} was stopped`))
    await this.#parser[Symbol.asyncDispose]()
    await this.#mirrors[Symbol.asyncDispose]()
    await this.#owned.trash[Symbol.asyncDispose]()
    this.#attempts.close()
    await this.#owned.parts[Symbol.asyncDispose]()
  }

  get #workspaces(): string {
    return join(this.dataDir, 'workspaces')
  }

  get #handBack(): DecidedEnd {
    const reason = `runner ${this.name} was stopped: the job is handed back`
    return { outcome: 'error', reason, fault: 'handed_back' }
  }

  /** Waits for a condition, at most `waitMs` milliseconds, or until the disposal. */
  async #until(isMet: () => boolean, waitMs: number): Promise<void> {
    const wake = new Wake()
    using _changes = this.onChange(() => wake.wake())
    const deadline = performance.now() + waitMs
    while (!isMet() && performance.now() < deadline && !this.#disposed) {
      await wake.wait(Math.min(LONGEST_WAIT_MS, deadline - performance.now()), this.ended)
    }
  }
}
