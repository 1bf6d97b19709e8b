import { mkdir, readdir } from 'node:fs/promises'
import { availableParallelism, totalmem } from 'node:os'
import { join } from 'node:path'
import type { AttemptRef, JobId } from '../core/ids.ts'
import type { Engine } from '../core/placement/placement.ts'
import { describeError, NarwhalError } from '../lib/errors.ts'
import { EventHub } from '../lib/event-hub.ts'
import type { GitEnv } from '../lib/git.ts'
import type { Logger } from '../lib/log.ts'
import { newId } from '../lib/new-id.ts'
import { Attempt, type AttemptOrder } from './attempt.ts'
import { claimFolder } from './claim-folder.ts'
import type { Executor, SandboxLimits } from './executor/executor.ts'
import { Fences } from './fences.ts'
import { MirrorCache } from './mirror.ts'
import { PipelineFileParser } from './pipeline-file-parser.ts'
import { type PipelineParser, type PlannedCommit, planCommit } from './plan-commit.ts'
import { removeFolder } from './remove-folder.ts'
import { withGrace } from './with-grace.ts'

/** Far above what the largest lawful file takes, so that a busy machine refuses none. */
const PARSE_MS = 5_000

export interface RunnerDeps {
  readonly log: Logger
  /** The caller's to dispose, after the runner. */
  readonly executor: Executor
  /** A folder that no other runner uses: mirrors and workspaces. */
  readonly dataDir: string
  readonly gitEnv: GitEnv
  /** Says that the caller has claimed `dataDir` already, and gives it up after the runner's end. */
  readonly claim?: AsyncDisposable
}

export interface RunnerOptions {
  readonly name: string
  /** How many jobs run at once. */
  readonly slots: number
  readonly labels: readonly string[]
  /** Narwhal's version, as `Describe` tells it. */
  readonly version?: string
  /** What one job may use; absent: all processors, four fifths of the memory, 4096 processes. */
  readonly limits?: SandboxLimits
}

const MOST_FINISHED = 64
const FINISHED_KEPT_MS = 3_600_000
const PROBE_MS = 5_000
const DISPOSE_GRACE_MS = 20_000

/** Claims the folder, removes what a former process left there, and gives back a runner at work. */
export async function startRunner(deps: RunnerDeps, options: RunnerOptions): Promise<Runner> {
  const workspaces = join(deps.dataDir, 'workspaces')
  await mkdir(workspaces, { recursive: true })
  await mkdir(join(deps.dataDir, 'mirrors'), { recursive: true })
  const claim = deps.claim ? undefined : await claimFolder(deps.dataDir)
  for (const name of await readdir(workspaces)) {
    deps.log.info({ workspace: name }, 'a workspace of a former process is removed')
    await removeFolder(join(workspaces, name)).catch((error: unknown) => {
      // Its name is never used again, so that it stands in nobody's way.
      deps.log.error({ err: error, workspace: name }, 'a leftover workspace could not be removed')
    })
  }
  return new Runner(deps, options, claim)
}

/**
 * Runs attempts in its slots, whoever asks, and keeps what they tell until that is acknowledged.
 *
 * - A slot is taken when an attempt starts and free when its end has been told. Teardowns go on in
 *   the background; more of them than there are slots take slots, so that they stay bounded.
 * - Attempts are known by job and number. One that has finished is forgotten once its events are
 *   acknowledged, after an hour, or when more than 64 such wait.
 * - Of one job at most one attempt runs here; fences only grow.
 */
export class Runner implements AsyncDisposable {
  readonly instanceId = newId('instance')
  readonly name: string
  readonly slots: number
  readonly labels: readonly string[]
  readonly version: string
  readonly dataDir: string
  readonly #deps: RunnerDeps
  readonly #claim: AsyncDisposable | undefined
  readonly #limits: SandboxLimits
  readonly #mirrors: MirrorCache
  readonly #parser: PipelineParser = new PipelineFileParser({ timeoutMs: PARSE_MS })
  readonly #attempts = new Map<string, Attempt>()
  readonly #expiries = new Map<Attempt, NodeJS.Timeout>()
  readonly #tearingDown = new Set<Attempt>()
  readonly #fences = new Fences()
  readonly #changes: EventHub<void>
  readonly #ended = new AbortController()
  #draining = false
  #disposed: Promise<void> | undefined
  #probe: { readonly at: number; readonly trouble: Promise<string> } | undefined

  /** Use `startRunner`. */
  constructor(deps: RunnerDeps, options: RunnerOptions, claim?: AsyncDisposable) {
    this.name = options.name
    this.slots = options.slots
    this.labels = options.labels
    this.version = options.version ?? 'unknown'
    this.dataDir = deps.dataDir
    this.#deps = deps
    this.#claim = claim
    this.#limits = options.limits ?? {
      memoryBytes: Math.floor(totalmem() * 0.8),
      cpus: availableParallelism(),
      processes: 4096,
    }
    this.#mirrors = new MirrorCache({
      folder: join(deps.dataDir, 'mirrors'),
      env: deps.gitEnv,
      log: deps.log,
    })
    this.#changes = new EventHub((error) => deps.log.error({ err: error }, 'a listener failed'))
  }

  /** Aborts when the runner has been disposed: whoever still listens to it may go. */
  get ended(): AbortSignal {
    return this.#ended.signal
  }

  get engines(): readonly Engine[] {
    return this.#deps.executor.engines
  }

  get draining(): boolean {
    return this.#draining
  }

  /** Slots that are taken. */
  get busy(): number {
    let running = Math.max(0, this.#tearingDown.size - this.slots)
    for (const attempt of this.#attempts.values()) if (!attempt.isFinished) running += 1
    return running
  }

  /** Empty while jobs can run here, else what is wrong, in words; asked at most every 5 seconds. */
  async trouble(): Promise<string> {
    if (!this.#probe || this.#probe.at < Date.now() - PROBE_MS) {
      const silent = new NarwhalError('unavailable', 'the engine does not answer')
      const trouble = withGrace(
        this.#deps.executor.probe(),
        AbortSignal.abort(silent),
        PROBE_MS,
      ).catch(describeError)
      this.#probe = { at: Date.now(), trouble }
    }
    return this.#probe.trouble
  }

  /** Calls the listener after each change of `busy` or `draining`. */
  onChange(listener: () => void): Disposable {
    return this.#changes.listen(listener)
  }

  drain(draining: boolean): void {
    this.#draining = draining
    this.#changes.emit()
  }

  /** Rejects as `planCommit` does. */
  plan(commit: AttemptOrder['commit'], signal: AbortSignal): Promise<PlannedCommit> {
    const { gitEnv: env } = this.#deps
    return planCommit(commit, { mirrors: this.#mirrors, parser: this.#parser, env }, signal)
  }

  /**
   * Starts the attempt, or gives the one that runs already. Throws `conflict` when a newer fence is
   * known, `exhausted` when there is no slot or the runner drains.
   */
  start(order: AttemptOrder, fence: number): Attempt {
    this.#fences.raise(order.jobId, fence)
    const known = this.#attempts.get(keyOf(order))
    if (known) return known
    this.#supersede(order)
    if (this.#disposed || this.#draining) {
      throw new NarwhalError('exhausted', `runner ${this.name} takes no new jobs: it drains`)
    }
    if (this.busy >= this.slots) {
      throw new NarwhalError('exhausted', `runner ${this.name} is full: ${this.slots} slots`)
    }
    const attempt = new Attempt(order, {
      executor: this.#deps.executor,
      mirrors: this.#mirrors,
      gitEnv: this.#deps.gitEnv,
      limits: this.#limits,
      workspaces: join(this.dataDir, 'workspaces'),
      instanceId: this.instanceId,
      log: this.#deps.log,
    })
    this.#attempts.set(keyOf(order), attempt)
    void this.#follow(attempt)
    this.#changes.emit()
    return attempt
  }

  /** Gives an attempt that runs, or whose end is not acknowledged; throws `conflict`, `not_found`. */
  resume(ref: AttemptRef, fence: number): Attempt {
    this.#fences.raise(ref.jobId, fence)
    const attempt = this.#attempts.get(keyOf(ref))
    if (attempt) return attempt
    throw new NarwhalError('not_found', `attempt ${keyOf(ref)} is not on runner ${this.name}`)
  }

  /** Forgets the attempt if all that it told has been acknowledged. */
  acknowledge(attempt: Attempt, throughSeq: number): void {
    attempt.acknowledge(throughSeq)
    if (attempt.isFinished && attempt.events.isEmpty) this.#forget(attempt)
  }

  /** Ends every attempt, waits for the teardowns, and leaves nothing but the mirrors. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#dispose()
    await this.#disposed
  }

  async #dispose(): Promise<void> {
    const attempts = [...new Set([...this.#attempts.values(), ...this.#tearingDown])]
    for (const attempt of attempts) {
      attempt.stop({ outcome: 'error', reason: `runner ${this.name} was stopped` })
    }
    const ends = Promise.all(attempts.map(({ tornDown }) => tornDown))
    await withGrace(ends, AbortSignal.abort(), DISPOSE_GRACE_MS).catch(() => {
      this.#deps.log.error('the runner ends before all its attempts have')
    })
    for (const attempt of attempts) this.#forget(attempt)
    this.#ended.abort(new NarwhalError('unavailable', `runner ${this.name} was stopped`))
    await this.#parser[Symbol.asyncDispose]()
    await this.#mirrors[Symbol.asyncDispose]()
    await this.#claim?.[Symbol.asyncDispose]()
  }

  async #follow(attempt: Attempt): Promise<void> {
    await attempt.finished
    this.#tearingDown.add(attempt)
    const expire = () => this.#forget(attempt)
    this.#expiries.set(attempt, setTimeout(expire, FINISHED_KEPT_MS).unref())
    this.#forgetOldest()
    this.#changes.emit()
    await attempt.tornDown
    this.#tearingDown.delete(attempt)
    this.#changes.emit()
  }

  /** A newer attempt of a job ends the older ones: the dispatcher has given them up. */
  #supersede({ jobId, attempt: number }: AttemptRef): void {
    const reason = `attempt ${number} of the job has replaced it`
    for (const attempt of this.#attempts.values()) {
      if (attempt.order.jobId === jobId) attempt.stop({ outcome: 'cancelled', reason })
    }
  }

  #forgetOldest(): void {
    const finished = [...this.#attempts.values()].filter(({ isFinished }) => isFinished)
    for (const attempt of finished.slice(0, -MOST_FINISHED)) this.#forget(attempt)
  }

  #isKnown(attempt: Attempt): boolean {
    return this.#attempts.get(keyOf(attempt.order)) === attempt
  }

  #forget(attempt: Attempt): void {
    if (!this.#isKnown(attempt)) return
    clearTimeout(this.#expiries.get(attempt))
    this.#expiries.delete(attempt)
    this.#attempts.delete(keyOf(attempt.order))
    if (attempt.events.isEmpty || this.#disposed) return
    const { jobId } = attempt.order
    this.#deps.log.warn({ jobId }, 'the end of an attempt was never acknowledged and is forgotten')
  }
}

function keyOf({ jobId, attempt }: AttemptRef): `${JobId}/${number}` {
  return `${jobId}/${attempt}`
}
