import { withSignal } from '../../lib/async/with-signal.ts'
import { within } from '../../lib/async/within.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { ArchiveOptions, Sandbox } from '../executor/executor.ts'
import { Lease, type LeaseTimes } from './lease.ts'

export interface LeaseKeeperDeps {
  readonly times: LeaseTimes
  /** How long an attempt stands still before it is given up, in milliseconds. */
  readonly orphanMs: number
  /** Called when the attempt has to stand still, and when it goes on. */
  readonly onHold: (isHeld: boolean) => void
  /** Called, with the reason in words, when the attempt can't go on any more. */
  readonly onLost: (reason: string) => void
  readonly log: Logger
}

/** What a pause may take at least, in milliseconds. */
const SHORTEST_PAUSE_MS = 1_000

/**
 * Sees to it that nothing of an attempt runs without a lease: *waiting* for its first confirmation
 * → *going* → *standing still* (its sandbox is paused) → going again, … → *ended*.
 *
 * The clock is looked at before anything is begun and before a confirmation is believed, and not only
 * when the timer fires: a process that was stopped and goes on must notice first that its lease
 * is over. Where it notices so late that somebody else has ended the sandbox (`keepUntil`), that
 * rejects, and the attempt is lost.
 */
export class LeaseKeeper implements Disposable {
  readonly #deps: LeaseKeeperDeps
  readonly #lease: Lease
  #sandbox: Sandbox | undefined
  #isHolding = false
  #isEnded = false
  #timer: NodeJS.Timeout | undefined
  #patience: NodeJS.Timeout
  /** Who waits until steps may run. */
  readonly #waiting = new Set<() => void>()

  constructor(deps: LeaseKeeperDeps) {
    this.#deps = deps
    this.#lease = new Lease(deps.times)
    this.#patience = this.#startPatience()
  }

  get times(): LeaseTimes {
    return this.#lease.times
  }

  setTimes(times: LeaseTimes): void {
    this.#lease.setTimes(times)
  }

  /** The moment to send with a heartbeat that asks for more. */
  ask(): number {
    this.check()
    return this.#lease.ask(performance.now())
  }

  /** Takes the answer to the heartbeat of this moment; what stood still goes on. */
  confirm(sentMs: number): void {
    this.check()
    if (!this.#lease.confirm(sentMs) || this.#isEnded) return
    if (this.#lease.state(performance.now()) !== 'confirmed') return
    clearTimeout(this.#patience)
    this.#sandbox?.keepUntil?.(this.#lease.endsMs)
    this.#timer ??= this.#startTimer()
    if (this.#isHolding) this.#goOn()
    for (const goOn of this.#waiting) goOn()
  }

  /** Whether steps may run now; if not any more, they are stopped. */
  check(): boolean {
    const state = this.#lease.state(performance.now())
    if (state === 'over') this.#hold()
    return state === 'confirmed'
  }

  /** Resolves when steps may run, at once if they may; rejects with the signal's reason. */
  async untilHeld(signal: AbortSignal): Promise<void> {
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

  /**
   * Takes the attempt's sandbox into its care and gives it back with steps that begin, and have
   * ended, only with a lease.
   */
  guard(sandbox: Sandbox): Pick<Sandbox, 'run' | 'read' | 'archive'> {
    this.check()
    this.#sandbox = sandbox
    if (this.#isHolding) this.#pause(sandbox)
    else if (this.#lease.untilMs !== undefined) sandbox.keepUntil?.(this.#lease.endsMs)
    const held = async <Result>(work: () => Promise<Result>, signal: AbortSignal) => {
      await this.untilHeld(signal)
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
    await this.untilHeld(options.signal)
    yield* sandbox.archive(patterns, options)
    this.check()
    options.signal.throwIfAborted()
  }

  /** The attempt has ended; its sandbox is disposed of by others. */
  [Symbol.dispose](): void {
    this.#isEnded = true
    clearTimeout(this.#timer)
    clearTimeout(this.#patience)
  }

  /** Fires when the lease is over; one that was extended meanwhile only moves it. */
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

  #startPatience(): NodeJS.Timeout {
    const { orphanMs } = this.#deps
    const reason = `no dispatcher let it go on for ${Math.round(orphanMs / 1000)} s`
    return setTimeout(() => this.#lose(reason), orphanMs)
  }

  #hold(): void {
    if (this.#isHolding || this.#isEnded) return
    this.#isHolding = true
    this.#patience = this.#startPatience()
    this.#deps.onHold(true)
    const sandbox = this.#sandbox
    if (!sandbox) return
    this.#deps.log.warn('the lease of an attempt is over: it stands still')
    this.#pause(sandbox)
  }

  #goOn(): void {
    this.#isHolding = false
    this.#deps.onHold(false)
    const sandbox = this.#sandbox
    if (!sandbox) return
    this.#deps.log.info('the lease of an attempt is confirmed again: it goes on')
    sandbox.resume().catch((error: unknown) => {
      this.#lose(`it stood still and could not go on: ${describeError(error)}`)
    })
  }

  #pause(sandbox: Sandbox): void {
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
