import { join } from 'node:path'
import type { AttemptOrder } from '../../contract/rpc/attempt-requests.ts'
import type { AttemptEvent, AttemptFault } from '../../core/attempt/attempt-event.ts'
import { floodInWords } from '../../core/attempt/log-limit.ts'
import type { AttemptRef } from '../../core/ids.ts'
import { partsOf } from '../../core/plan/plan.ts'
import { withGrace } from '../../lib/async/with-grace.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { present } from '../../lib/present.ts'
import { diskInWords, withRoom } from '../disk/disk-guard.ts'
import type { DiskWatch } from '../disk/disk-watch.ts'
import type { Sandbox, SandboxLimits } from '../executor/executor.ts'
import { folderWorkspace } from '../executor/workspace.ts'
import { IdTokenDesk } from '../id-tokens/id-token-desk.ts'
import { IdTokens } from '../id-tokens/id-tokens.ts'
import type { LeaseTimes } from '../lease/lease.ts'
import { LeaseKeeper } from '../lease/lease-keeper.ts'
import { durationText, TimeLimit } from '../lease/time-limit.ts'
import { JobLog } from '../log/job-log.ts'
import { JobMask, maskEnv } from '../masking/job-mask.ts'
import type { EventSpool } from '../spool/event-spool.ts'
import type { Spools } from '../spool/spools.ts'
import { collectOutputs, outputEnv } from '../steps/collect-outputs.ts'
import { EarlyNotes } from '../steps/early-notes.ts'
import { firstNotes } from '../steps/first-notes.ts'
import type { End } from '../steps/run-step.ts'
import { ServiceLogs } from '../steps/service-logs.ts'
import { isOfTheStep, StepSequence } from '../steps/step-sequence.ts'
import { AttemptStop, lostBy } from './attempt-stop.ts'
import type { KeepFailed } from './failed-sandbox.ts'
import { faultOfSandbox } from './fault.ts'
import type { DecidedEnd, KnownAttempt, StopWay } from './known-attempt.ts'
import { Preparation, type PreparationDeps } from './preparation.ts'
import { ReaderSlot } from './reader-slot.ts'
import { GIT_IN_SANDBOX, sandboxSpecOf, secretsOfSteps } from './sandbox-spec.ts'

/** The lease under which an attempt is started. */
export interface LeaseGrant {
  /** The fencing token; it grows with every grant. */
  readonly fence: number
  readonly times: LeaseTimes
}

export interface AttemptDeps extends PreparationDeps {
  readonly limits: SandboxLimits
  readonly disks: DiskWatch
  /** The folder in which the attempt creates its workspace. */
  readonly workspaces: string
  readonly instanceId: string
  readonly runnerName: string
  readonly spools: Spools
  readonly grant: LeaseGrant
  /** Resolves once the job's previous attempts here are torn down. */
  readonly former: Promise<unknown>
  /** How long it may be paused without a lease, in milliseconds. */
  readonly orphanMs: number
  /** Called when a reader comes or goes. */
  readonly onReaders: () => void
  /** Keeps the sandbox of an attempt that has failed; absent: it is removed. */
  readonly keepFailed?: KeepFailed | undefined
  readonly log: Logger
}

/** Memory for the packed logs of everything that runs in the background of the steps. */
const HELD_LOG_BYTES = 16 * 1024 * 1024

/** A failed sandbox is kept for inspection at most this long. */
const LONGEST_KEPT_MS = 24 * 3_600_000

/** How long a sandbox or a fetch may take to notice an abort. */
const GRACE_MS = 15_000

/**
 * One attempt on this runner: preparing (fetch and checkout, concurrently with opening the sandbox)
 * → its steps, up to the first that does not succeed → finished → torn down.
 *
 * - `finished` is the last event, appended before the teardown begins.
 * - The first stop (cancellation, timeout, shutdown of the runner) decides the outcome. After the first two its
 *   cleanup steps run (see AttemptStop).
 * - It prepares at once; its steps run while its lease is confirmed (see LeaseKeeper). While the
 *   attempt is paused, so is its timeout.
 */
export class Attempt implements KnownAttempt {
  readonly ref: AttemptRef
  readonly events: EventSpool
  readonly readerSlot: ReaderSlot
  fence: number
  /** Resolves after the event `finished` was appended; never rejects. */
  readonly finished: Promise<void>
  /** Resolves once only the attempt's events are left; never rejects. */
  readonly tornDown: Promise<void>
  readonly #order: AttemptOrder
  readonly #deps: AttemptDeps
  readonly #keeper: LeaseKeeper
  readonly #limit: TimeLimit
  /** Its own, and that of the running step. */
  readonly #limits = new Set<TimeLimit>()
  readonly #preparation: Preparation
  readonly #mask: JobMask
  readonly #idTokens: IdTokens | undefined
  readonly #log: JobLog
  readonly #stop: AttemptStop
  readonly #steps: StepSequence
  readonly #services: ServiceLogs
  readonly #early = new EarlyNotes((line) => this.#steps.say(line))
  #isFinished = false

  constructor(order: AttemptOrder, deps: AttemptDeps) {
    const { jobId, attempt, job } = order
    const { instanceId, runnerName } = deps
    const { fence, times } = deps.grant
    this.ref = { jobId, attempt }
    this.fence = fence
    this.#order = order
    this.#deps = deps
    this.readerSlot = new ReaderSlot(deps.onReaders)
    const facts = { ...this.ref, fence, steps: partsOf(job).length, instanceId }
    this.#mask = new JobMask(order.secrets, order.notMasked)
    this.#stop = this.#openStop(order.cleanupMs)
    this.events = deps.spools.create(facts, () => this.readerSlot.wake(), this.#mask)
    this.#idTokens = this.#openIdTokens()
    const maxBytes = order.logBytes
    const onFlood = (): void => this.stop({ outcome: 'failure', reason: floodInWords(maxBytes) })
    this.#log = new JobLog(this.events, { maxBytes, onFlood })
    this.#limit = new TimeLimit(order.timeoutMs, () => this.#timeOut())
    this.#limits.add(this.#limit)
    this.#keeper = new LeaseKeeper({
      times,
      orphanMs: deps.orphanMs,
      onPause: (isPaused) => this.#pauseLimits(isPaused),
      onLost: (why) => this.stop(lostBy(runnerName, why), 'at once'),
      log: deps.log.child(this.ref),
    })
    const { signals } = this.#stop
    const maxLogBytes = Math.floor(HELD_LOG_BYTES / Math.max(1, partsOf(job).length))
    this.#steps = new StepSequence(job, {
      events: this.events,
      log: this.#log,
      env: { ...GIT_IN_SANDBOX, ...order.env, ...job.env, ...secretsOfSteps(order) },
      notes: firstNotes(order),
      maxLogBytes,
      ...signals,
      untilNext: (until) => this.#keeper.untilConfirmed(until),
      explain: (error) => this.#stop.cleanupEnd ?? this.#explain(error, faultOfSandbox(error)),
      startLimit: (ms, onOver) => this.#startLimit(ms, onOver),
    })
    this.#services = new ServiceLogs(job, { events: this.events, log: this.#log }, maxLogBytes)
    this.#append({ type: 'started', instanceId })
    this.#preparation = new Preparation(deps, {
      commit: order.commit,
      ...present({ clone: job.clone }),
      sandbox: sandboxSpecOf(order, {
        workspace: folderWorkspace(join(deps.workspaces, `${jobId}-${attempt}`)),
        limits: deps.limits,
        onService: this.#services.onEvent,
        onProgress: this.#early.say,
      }),
      signal: signals.signal,
      onPhase: (event) => this.#append(event),
    })
    this.finished = this.#run()
    this.tornDown = this.finished.then(() => this.#tearDown())
  }

  get idTokenDesk(): IdTokenDesk | undefined {
    return this.#idTokens?.desk
  }

  get isFinished(): boolean {
    return this.#isFinished
  }

  /** Whether a step has been started. */
  get hasBegun(): boolean {
    return this.#steps.begun > 0
  }

  /** Whether a gentle stop would leave cleanup to do. */
  get mayCleanUp(): boolean {
    return !this.#isFinished && this.#stop.mayCleanUp
  }

  get leaseTimes(): LeaseTimes {
    return this.#keeper.times
  }

  set leaseTimes(times: LeaseTimes) {
    this.#keeper.setTimes(times)
  }

  askForLease(): number {
    return this.#keeper.ask()
  }

  confirmLease(sentMs: number): void {
    this.#keeper.confirm(sentMs)
  }

  #openStop(cleanupMs: number): AttemptStop {
    return new AttemptStop({
      cleanupMs,
      mayCleanUp: () => this.#steps.mayCleanUp,
      startLimit: (ms, onOver) => this.#startLimit(ms, onOver),
    })
  }

  #openIdTokens(): IdTokens | undefined {
    const names = Object.keys(this.#order.job.idTokens ?? {})
    if (names.length === 0) return undefined
    return new IdTokens({
      names,
      desk: new IdTokenDesk(() => this.readerSlot.wake()),
      mask: this.#mask,
      startLimit: (ms, onOver) => this.#startLimit(ms, onOver),
      signal: this.#stop.signal,
      log: this.#deps.log.child(this.ref),
    })
  }

  stop(end: DecidedEnd, how: StopWay = 'now'): void {
    if (!this.#isFinished) this.#stop.stop(end, how)
  }

  #pauseLimits(isPaused: boolean): void {
    for (const limit of this.#limits) {
      if (isPaused) limit.pause()
      else limit.resume()
    }
  }

  #timeOut(): void {
    // After a freeze of the process the lease is checked first: if it has expired, this limit pauses.
    this.#keeper.check()
    if (!this.#limit.isRunning) return
    const limit = durationText(this.#order.timeoutMs)
    const reason = `the job took longer than its limit of ${limit}`
    this.stop({ outcome: 'timeout', reason }, 'gently')
  }

  async #run(): Promise<void> {
    const { job } = this.#order
    const end = await this.#prepareAndRun()
    await this.#steps.end()
    this.#stop[Symbol.dispose]()
    this.#idTokens?.[Symbol.dispose]()
    this.#limit[Symbol.dispose]()
    this.#keeper[Symbol.dispose]()
    await this.#services.finish()
    await this.#log.release()
    for (let step = this.#steps.begun; step < job.steps.length; step++) {
      this.#append({ type: 'step_finished', step, outcome: 'skipped' })
    }
    const { exitCode: _, ...reported } = end
    this.#append({ type: 'finished', ...reported })
    this.#mask[Symbol.dispose]()
    this.#isFinished = true
    // Ends a preparation that is still in progress.
    this.#stop.stop({ ...end, reason: 'the attempt has ended' }, 'now')
  }

  async #prepareAndRun(): Promise<End> {
    try {
      const { signal } = this.#stop
      const prepared = Promise.all([this.#preparation.ready, this.#deps.former])
      const [sandbox] = await withGrace(prepared, signal, GRACE_MS)
      await this.#early.end()
      return await this.#runSteps(sandbox, signal)
    } catch (error) {
      const end = this.#explain(error, this.#preparation.fault)
      await this.#early.end()
      await this.#steps.say(end.reason)
      return end
    }
  }

  async #runSteps(sandbox: Sandbox, signal: AbortSignal): Promise<End> {
    const { outputs: declared } = this.#order.job
    const guarded = this.#keeper.guard(sandbox)
    using _disk = this.#watchDisk(sandbox)
    this.#mask.learnFrom(sandbox)
    for (const note of sandbox.notes ?? []) await this.#steps.say(note)
    const idTokens = this.#idTokens
    const result = await this.#steps.run(
      withRoom(guarded, sandbox.disk),
      { ...maskEnv(sandbox), ...(declared ? outputEnv(sandbox) : {}) },
      idTokens && ((isCleanup) => idTokens.forStep(sandbox.files, isCleanup)),
    )
    if (!declared || this.#stop.end || !isOfTheStep(result)) return result
    const read = await collectOutputs(guarded, { declared, mask: this.#mask }, signal)
    if (read.ok) return { ...result, outputs: read.outputs }
    // An earlier failure has to be fixed first.
    if (result.outcome !== 'success') return result
    const outcome = read.holdsSecret ? 'error' : 'failure'
    return { outcome, reason: `its outputs are invalid: ${read.problem}` }
  }

  #watchDisk({ disk }: Sandbox): Disposable | undefined {
    const { diskBytes } = this.#deps.limits
    if (!disk || diskBytes === undefined) return undefined
    return this.#deps.disks.watch(disk, diskBytes, (use) => {
      // It must write no more.
      this.stop({ outcome: 'failure', reason: diskInWords(use, diskBytes) }, 'at once')
    })
  }

  #startLimit(ms: number, onOver: () => void): Disposable {
    const limit = new TimeLimit(ms, onOver)
    this.#limits.add(limit)
    return {
      [Symbol.dispose]: () => {
        this.#limits.delete(limit)
        limit[Symbol.dispose]()
      },
    }
  }

  #explain(error: unknown, fault: AttemptFault | undefined): DecidedEnd {
    if (this.#stop.end) return this.#stop.end
    const reason = describeError(error)
    // Others read this log, too, and the error's text may come from the job.
    const details = this.#mask.isEmpty ? { err: error } : { reason: this.#mask.text(reason) }
    this.#deps.log.warn({ ...details, ...this.ref }, 'attempt failed')
    return { outcome: 'error', reason, ...present({ fault }) }
  }

  async #tearDown(): Promise<void> {
    await this.#keep()
    await this.#preparation.clear(this.#deps.log.child(this.ref))
  }

  /** Offers a sandbox in which a step has failed for inspection. Never rejects. */
  async #keep(): Promise<void> {
    const { keepFailed, log } = this.#deps
    const { failed } = this.#steps
    const { job } = this.#order
    // A retry would have to wait for the teardown.
    if (!keepFailed || !failed || this.ref.attempt <= (job.retry?.count ?? 0)) return
    try {
      const sandbox = await this.#preparation.ready
      const { shell } = sandbox
      if (!shell) return
      sandbox.keepUntil?.(performance.now() + LONGEST_KEPT_MS)
      const { image } = failed.step
      const step = { env: failed.env, ...present({ image }) }
      const open = () => shell.call(sandbox, step)
      await keepFailed({ job: job.name, step: failed.step.name, shell: open })
    } catch (error) {
      log.warn({ err: error }, 'could not keep a failed sandbox')
    }
  }

  /** Nothing follows `finished`, even if a part of the preparation ends only later. */
  #append(event: AttemptEvent): void {
    if (!this.#isFinished) this.events.append(event)
  }
}
