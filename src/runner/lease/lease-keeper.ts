import { withSignal } from '../../lib/async/with-signal.ts'
import { within } from '../../lib/async/within.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { ArchiveOptions, Sandbox } from '../executor/executor.ts'
import { Lease, type LeaseTimes } from './lease.ts'

export interface LeaseKeeperDeps {
  readonly times: LeaseTimes
  /** How long an attempt stays paused before it is given up, in milliseconds. */
  readonly orphanMs: number
  /** Called when the attempt is paused, and when it is resumed. */
  readonly onPause: (isPaused: boolean) => void
  /** Called when the attempt can't continue. */
  readonly onLost: (reason: string) => void
  readonly log: Logger
}

/** A pause is given at least this long, in milliseconds. */
const SHORTEST_PAUSE_MS = 1_000

/**
 * Ensures that nothing of an attempt runs without a lease: *waiting* for its first confirmation →
 * *running* → *paused* (with its sandbox) → running again … → *ended*.
 *
 * The clock is checked before anything starts and before a confirmation is accepted, and not only
 * when the timer fires: a process that was stopped and continued must notice first that its lease
 * has expired. If it notices so late that the watchdog has ended the sandbox (`keepUntil`), the
 * sandbox rejects, and the attempt is lost.
 */
export class LeaseKeeper implements Disposable {
  readonly #deps: LeaseKeeperDeps
  readonly #lease: Lease
  #sandbox: Sandbox | undefined
  #isPaused = false
  #isEnded = false
  #timer: NodeJS.Timeout | undefined
  #orphanTimer: NodeJS.Timeout
  /** Those who wait until steps may run. */
  readonly #waiting = new Set<() => void>()

  constructor(deps: LeaseKeeperDeps) {
    this.#deps = deps
    this.#lease = new Lease(deps.times)
    this.#orphanTimer = this.#startOrphanTimer()
  }

  get times(): LeaseTimes {
    return this.#lease.times
  }

  setTimes(times: LeaseTimes): void {
    this.#lease.setTimes(times)
  }

  /** The time to send with a heartbeat, which asks for a renewal. */
  ask(): number {
    this.check()
    return this.#lease.ask(performance.now())
  }

  /** The heartbeat of this time was answered: renews the lease, and resumes what is paused. */
  confirm(sentMs: number): void {
    this.check()
    if (!this.#lease.confirm(sentMs) || this.#isEnded) return
    if (this.#lease.state(performance.now()) !== 'confirmed') return
    clearTimeout(this.#orphanTimer)
    this.#sandbox?.keepUntil?.(this.#lease.endsMs)
    this.#timer ??= this.#startTimer()
    if (this.#isPaused) this.#resume()
    for (const proceed of this.#waiting) proceed()
  }

  /** Whether steps may run now; pauses them if the lease has expired. */
  check(): boolean {
    const state = this.#lease.state(performance.now())
    if (state === 'expired') this.#pause()
    return state === 'confirmed'
  }

  /** Resolves as soon as steps may run; rejects with the signal's reason. */
  async untilConfirmed(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    while (!this.check()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.add(resolve)
      try {
        await withSignal(promise, signal)
      } finally {
        this.#waiting.delete(resolve)
      }
    }
    signal.throwIfAborted()
  }

  /** Takes over the attempt's sandbox; what it returns starts, and ends, only with a lease. */
  guard(sandbox: Sandbox): Pick<Sandbox, 'run' | 'read' | 'archive'> {
    this.check()
    this.#sandbox = sandbox
    if (this.#isPaused) this.#pauseSandbox(sandbox)
    else if (this.#lease.untilMs !== undefined) sandbox.keepUntil?.(this.#lease.endsMs)
    const held = async <Result>(work: () => Promise<Result>, signal: AbortSignal) => {
      await this.untilConfirmed(signal)
      const result = await work()
      this.check()
      signal.throwIfAborted()
      return result
    }
    return {
      run: (step, output, signal) => held(() => sandbox.run(step, output, signal), signal),
      read: (path, maxBytes, signal) => held(() => sandbox.read(path, maxBytes, signal), signal),
      archive: (patterns, options) => this.#archive(sandbox, patterns, options),
    }
  }

  async *#archive(
    sandbox: Sandbox,
    patterns: readonly string[],
    options: ArchiveOptions,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    await this.untilConfirmed(options.signal)
    yield* sandbox.archive(patterns, options)
    this.check()
    options.signal.throwIfAborted()
  }

  /** The attempt has ended; its sandbox is disposed elsewhere. */
  [Symbol.dispose](): void {
    this.#isEnded = true
    clearTimeout(this.#timer)
    clearTimeout(this.#orphanTimer)
  }

  /** Fires when the lease expires; starts again if the lease was renewed meanwhile. */
  #startTimer(): NodeJS.Timeout {
    const delay = (this.#lease.untilMs ?? 0) - performance.now()
    return setTimeout(
      () => {
        this.#timer = undefined
        if (this.check() && !this.#isEnded) this.#timer = this.#startTimer()
      },
      Math.max(0, Math.ceil(delay)),
    )
  }

  #startOrphanTimer(): NodeJS.Timeout {
    const { orphanMs } = this.#deps
    const reason = `no dispatcher confirmed its lease for ${Math.round(orphanMs / 1000)} s`
    return setTimeout(() => this.#lose(reason), orphanMs)
  }

  #pause(): void {
    if (this.#isPaused || this.#isEnded) return
    this.#isPaused = true
    this.#orphanTimer = this.#startOrphanTimer()
    this.#deps.onPause(true)
    const sandbox = this.#sandbox
    if (!sandbox) return
    this.#deps.log.warn('lease expired: attempt paused')
    this.#pauseSandbox(sandbox)
  }

  #resume(): void {
    this.#isPaused = false
    this.#deps.onPause(false)
    const sandbox = this.#sandbox
    if (!sandbox) return
    this.#deps.log.info('lease confirmed again: attempt resumed')
    sandbox.resume().catch((error: unknown) => {
      this.#lose(`it was paused and could not be resumed: ${describeError(error)}`)
    })
  }

  #pauseSandbox(sandbox: Sandbox): void {
    const late = new NarwhalError('unavailable', 'it took too long')
    const graceMs = Math.max(SHORTEST_PAUSE_MS, this.#lease.endsMs - performance.now())
    within(graceMs, sandbox.pause(), late).catch((error: unknown) => {
      this.#lose(`it lost its lease and could not be paused: ${describeError(error)}`)
    })
  }

  #lose(reason: string): void {
    if (this.#isEnded) return
    this[Symbol.dispose]()
    this.#deps.onLost(reason)
  }
}
