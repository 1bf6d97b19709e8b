import type { NamedIdToken } from '../../contract/rpc/attempt-requests.ts'
import { idTokenFileVariable } from '../../core/id-token/id-token.ts'
import { SerialQueue } from '../../lib/async/serial-queue.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { SandboxFiles } from '../executor/executor.ts'
import type { JobMask } from '../masking/job-mask.ts'
import type { IdTokenDesk } from './id-token-desk.ts'

export interface IdTokensDeps {
  readonly names: readonly string[]
  readonly desk: IdTokenDesk
  readonly mask: Pick<JobMask, 'hide'>
  /** Starts a timeout that is paused with the attempt. */
  readonly startLimit: (ms: number, onOver: () => void) => Disposable
  readonly signal: AbortSignal
  readonly log: Logger
}

interface Held {
  readonly token: string
  /** When it arrived, of `performance.now()`, and how long it is valid from then on. */
  readonly gotAt: number
  readonly lifetimeMs: number
}

/** How long a step waits for its tokens: another dispatcher may have to take over first. */
const PATIENCE_MS = 120_000
/** Some services accept tokens this long after their expiry. */
const LEEWAY_MS = 300_000
/** A failed renewal is retried after a tenth of the token's lifetime, at the latest after this. */
const LONGEST_RETRY_MS = 30_000

/**
 * The id tokens of an attempt. They are requested when a step starts, since a job may have waited or
 * run for a long time before, and renewed at half their lifetime, in files, while steps run. Only this
 * machine's monotonic clock is used: the dispatcher says how long a token is valid.
 *
 * Tokens are masked before any step can have them.
 */
export class IdTokens implements Disposable {
  readonly #deps: IdTokensDeps
  readonly #held = new Map<string, Held>()
  readonly #turns = new SerialQueue()
  readonly #ended = new AbortController()
  readonly #signal: AbortSignal
  #files: SandboxFiles | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(deps: IdTokensDeps) {
    this.#deps = deps
    this.#signal = AbortSignal.any([deps.signal, this.#ended.signal])
  }

  /** Where the stream to the dispatcher finds requests. */
  get desk(): IdTokenDesk {
    return this.#deps.desk
  }

  /**
   * The variables for a step that starts now: fresh tokens, and the paths of their files. Rejects with
   * `not_found` and the reason if there are none, and with the signal's reason. A cleanup step gets the tokens
   * that there are: a cancelled job is issued none.
   */
  async forStep(
    files: SandboxFiles | undefined,
    isCleanup = false,
  ): Promise<Record<string, string>> {
    this.#files = files
    if (!isCleanup) {
      await this.#turns.run(() => this.#renew(this.#olderThan(0.1)))
      this.#startTimer(this.#dueInMs())
    }
    const env: Record<string, string> = {}
    for (const [name, { token }] of this.#held) {
      env[name] = token
      if (files) env[idTokenFileVariable(name)] = files.pathOf(name)
    }
    return env
  }

  /** Stops requesting tokens. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#ended.abort(new NarwhalError('cancelled', 'the attempt has ended'))
  }

  #olderThan(share: number): readonly string[] {
    const now = performance.now()
    return this.#deps.names.filter((name) => {
      const held = this.#held.get(name)
      return !held || now >= held.gotAt + share * held.lifetimeMs
    })
  }

  async #renew(names: readonly string[]): Promise<void> {
    if (names.length === 0) return
    const late = new AbortController()
    using _limit = this.#deps.startLimit(PATIENCE_MS, () => {
      const message = `there is no id token ${names[0]}: no dispatcher has answered for two minutes`
      late.abort(new NarwhalError('not_found', message))
    })
    const tokens = await this.#deps.desk.ask(names, AbortSignal.any([this.#signal, late.signal]))
    const gotAt = performance.now()
    for (const one of tokens) this.#deps.mask.hide([secretOf(one)], one.lifetimeMs + LEEWAY_MS)
    for (const { name, token, lifetimeMs } of tokens) {
      if (!names.includes(name)) continue
      await this.#files?.put(name, token)
      this.#held.set(name, { token, gotAt, lifetimeMs })
    }
  }

  /** The time until the first of them reaches half of its lifetime. */
  #dueInMs(): number {
    const due = [...this.#held.values()].map(({ gotAt, lifetimeMs }) => gotAt + lifetimeMs / 2)
    return Math.min(...due) - performance.now()
  }

  /** Only files can be renewed, not the environment of a running process. */
  #startTimer(delayMs: number): void {
    clearTimeout(this.#timer)
    if (!this.#files || this.#signal.aborted) return
    this.#timer = setTimeout(() => void this.#renewFiles(), Math.max(0, Math.ceil(delayMs)))
  }

  async #renewFiles(): Promise<void> {
    try {
      await this.#turns.run(() => this.#renew(this.#olderThan(0.5)))
      this.#startTimer(this.#dueInMs())
    } catch (error) {
      if (this.#signal.aborted) return
      this.#deps.log.warn({ reason: describeError(error) }, "can't renew id tokens")
      const lives = [...this.#held.values()].map(({ lifetimeMs }) => lifetimeMs / 10)
      this.#startTimer(Math.min(LONGEST_RETRY_MS, ...lives))
    }
  }
}

/** Its signature: without it, the token only identifies the job, and grants nothing. */
function secretOf({ token }: NamedIdToken): string {
  return token.slice(token.lastIndexOf('.') + 1)
}
