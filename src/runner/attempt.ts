import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { AttemptEvent, CommitSource } from '../contract/attempt.ts'
import type { RunnerPhase } from '../contract/rpc.ts'
import type { JobId } from '../core/ids.ts'
import type { JobSpec } from '../core/plan.ts'
import { describeError, NarwhalError } from '../lib/errors.ts'
import type { GitEnv } from '../lib/git.ts'
import type { Logger } from '../lib/log.ts'
import { checkOut } from './checkout.ts'
import { diskNote } from './disk-note.ts'
import { EventSpool } from './event-spool.ts'
import type { Executor, Sandbox, SandboxLimits } from './executor/executor.ts'
import type { MirrorCache } from './mirror.ts'
import { removeFolder } from './remove-folder.ts'
import { type End, runStep } from './run-step.ts'
import { StepLog } from './step-log.ts'
import type { Wake } from './wake.ts'
import { withGrace } from './with-grace.ts'

/** What a dispatcher orders. */
export interface AttemptOrder {
  readonly jobId: JobId
  readonly attempt: number
  readonly commit: CommitSource
  readonly job: JobSpec
  /** What the dispatcher adds to the environment; the job and its steps may override it. */
  readonly env: Readonly<Record<string, string>>
  /** Milliseconds until the attempt ends in `timeout`; 0: never. */
  readonly timeoutMs: number
}

export interface AttemptDeps {
  readonly executor: Executor
  readonly mirrors: MirrorCache
  readonly gitEnv: GitEnv
  readonly limits: SandboxLimits
  /** The folder in which the attempt makes its own workspace. */
  readonly workspaces: string
  readonly instanceId: string
  readonly log: Logger
}

/** Who reads an attempt's events. */
export interface Reader {
  readonly wake: Wake
  /** Set when another reader has taken over. */
  replaced: boolean
}

/** How long a sandbox or a fetch may take to notice the abort, in milliseconds. */
const GRACE_MS = 15_000
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * In the container the workspace may belong to another user than the one who runs git there;
 * git(1) then refuses to read it unless told that this is well.
 */
const GIT_IN_SANDBOX = {
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'safe.directory',
  GIT_CONFIG_VALUE_0: '*',
}

/**
 * One attempt on this runner: preparing (fetch and checkout beside opening the sandbox) → its
 * steps, up to the first that does not succeed → finished → torn down.
 *
 * - `finished` is the last event, and is there before the teardown begins.
 * - Whoever stops the attempt first (cancel, time-out, the runner's end) decides its outcome.
 * - It runs on whether or not somebody reads its events; there is at most one reader.
 */
export class Attempt {
  readonly order: AttemptOrder
  readonly events: EventSpool
  /** Resolves after the event `finished` was added; never rejects. */
  readonly finished: Promise<void>
  /** Resolves when nothing of the attempt is left but its events; never rejects. */
  readonly tornDown: Promise<void>
  readonly #deps: AttemptDeps
  readonly #workspace: string
  readonly #abort = new AbortController()
  #stopped: End | undefined
  #isFinished = false
  #nextStep = 0
  #opening: Promise<Sandbox> | undefined
  #checkingOut: Promise<void> | undefined
  #reader: Reader | undefined

  constructor(order: AttemptOrder, deps: AttemptDeps) {
    this.order = order
    this.#deps = deps
    this.#workspace = join(deps.workspaces, `${order.jobId}-${order.attempt}`)
    this.events = new EventSpool(() => this.#reader?.wake.wake())
    this.finished = this.#run()
    this.tornDown = this.finished.then(() => this.#tearDown())
  }

  get isFinished(): boolean {
    return this.#isFinished
  }

  /** Ends the attempt so, if it has not ended yet. */
  stop(end: End & { readonly reason: string }): void {
    if (this.#stopped || this.#isFinished) return
    this.#stopped = end
    this.#abort.abort(new NarwhalError('cancelled', end.reason))
  }

  acknowledge(throughSeq: number): void {
    this.events.acknowledge(throughSeq)
    this.#reader?.wake.wake()
  }

  /** Makes this the one who reads the events; who did before is told so. */
  attach(wake: Wake): Reader {
    if (this.#reader) {
      this.#reader.replaced = true
      this.#reader.wake.wake()
    }
    this.#reader = { wake, replaced: false }
    return this.#reader
  }

  async #run(): Promise<void> {
    this.#tell({ type: 'started', instanceId: this.#deps.instanceId })
    const { timeoutMs, job } = this.order
    const reason = `it took longer than its limit of ${inWords(timeoutMs)}`
    const timer =
      timeoutMs > 0 &&
      setTimeout(
        () => this.stop({ outcome: 'timeout', reason }),
        Math.min(timeoutMs, LONGEST_TIMER_MS),
      )
    const end = await this.#prepareAndRun()
    if (timer) clearTimeout(timer)
    for (let step = this.#nextStep; step < job.steps.length; step++) {
      this.#tell({ type: 'step_finished', step, outcome: 'skipped' })
    }
    this.#tell({ type: 'finished', ...end })
    this.#isFinished = true
    // What still prepares is of no use any more.
    this.#abort.abort(new NarwhalError('cancelled', 'the attempt has ended'))
  }

  async #prepareAndRun(): Promise<End> {
    try {
      const { signal } = this.#abort
      const sandbox = await withGrace(this.#prepare(signal), signal, GRACE_MS)
      return await this.#runSteps(sandbox, signal)
    } catch (error) {
      const end = this.#explain(error)
      if (this.order.job.steps.length > 0 && end.reason !== undefined) {
        const log = new StepLog(this.events, 0)
        log.say(end.reason)
        log.end()
      }
      return end
    }
  }

  async #prepare(signal: AbortSignal): Promise<Sandbox> {
    const { executor, limits } = this.#deps
    const { jobId, attempt, job } = this.order
    await mkdir(this.#workspace)
    const spec = {
      name: `${jobId}/${attempt}`,
      ...(job.image === undefined ? {} : { image: job.image }),
      workspace: this.#workspace,
      limits,
    }
    this.#opening = this.#timed('sandbox', () => executor.open(spec, signal))
    this.#checkingOut = this.#checkOut(signal)
    const [sandbox] = await Promise.all([this.#opening, this.#checkingOut])
    return sandbox
  }

  async #checkOut(signal: AbortSignal): Promise<void> {
    const { mirrors, gitEnv: env } = this.#deps
    const { commit } = this.order
    await this.#timed('fetch', () => mirrors.fetchCommit(commit, signal))
    await this.#timed('checkout', () =>
      mirrors.read(commit, signal, async (mirror) => {
        try {
          await checkOut(commit, { mirror, folder: this.#workspace, env, signal })
        } catch (error) {
          signal.throwIfAborted()
          const why = `${describeError(error)}${await diskNote(error, this.#workspace)}`
          const words = `cannot check out ${commit.repositoryName}: ${why}`
          throw new NarwhalError('unavailable', words, { cause: error })
        }
      }),
    )
  }

  async #runSteps(sandbox: Sandbox, signal: AbortSignal): Promise<End> {
    const { job, env } = this.order
    for (const [index, step] of job.steps.entries()) {
      this.#nextStep = index + 1
      const end = await runStep({
        sandbox,
        index,
        step,
        env: { ...GIT_IN_SANDBOX, ...env, ...job.env, ...step.env },
        events: this.events,
        signal,
        explain: (error) => this.#explain(error),
      })
      if (end.outcome !== 'success') {
        return { outcome: end.outcome, reason: `step "${step.name}": ${end.reason}` }
      }
    }
    return { outcome: 'success' }
  }

  #explain(error: unknown): End & { readonly reason: string } {
    if (this.#stopped) return { reason: '', ...this.#stopped }
    this.#deps.log.warn({ err: error, jobId: this.order.jobId }, 'an attempt met trouble')
    return { outcome: 'error', reason: describeError(error) }
  }

  async #timed<Result>(phase: RunnerPhase, work: () => Promise<Result>): Promise<Result> {
    const startedAt = performance.now()
    const result = await work()
    this.#tell({ type: 'phase', phase, durationMs: Math.round(performance.now() - startedAt) })
    return result
  }

  /** Nothing follows `finished`, though a part of the preparation may end only now. */
  #tell(event: AttemptEvent): void {
    if (!this.#isFinished) this.events.append(event)
  }

  async #tearDown(): Promise<void> {
    const [sandbox] = await Promise.allSettled([this.#opening, this.#checkingOut])
    const log = this.#deps.log.child({ jobId: this.order.jobId })
    const told = (err: unknown) => log.error({ err }, 'an attempt left something behind')
    // The folder goes also when the engine is away and its sandbox has to wait for it.
    if (sandbox.status === 'fulfilled') {
      await sandbox.value?.[Symbol.asyncDispose]().then(undefined, told)
    }
    await removeFolder(this.#workspace).catch(told)
  }
}

function inWords(ms: number): string {
  if (ms < 1000) return `${ms} ms`
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`
}
