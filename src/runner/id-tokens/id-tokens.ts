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
  /** A time-out that stands still with the attempt. */
  readonly startLimit: (ms: number, onOver: () => void) => Disposable
  readonly signal: AbortSignal
  readonly log: Logger
}

interface Held {
  readonly token: string
  /** When it came, of `performance.now()`; how long it was good for from then on. */
  readonly gotAt: number
  readonly lifetimeMs: number
}

/** How long a step waits for its tokens: another dispatcher may have to take over first. */
const PATIENCE_MS = 120_000
/** Whose clock is behind, or who is generous, takes a token so long after its end. */
const LEEWAY_MS = 300_000
/** When a renewal did not work out it is tried again after a tenth of the token's life, but not later. */
const LONGEST_RETRY_MS = 30_000

/**
 * The id tokens of an attempt. They are asked for when a step begins, since a job may have waited or worked
 * for long before, and asked for again at half their life, for the files, as long as steps run. Only
 * this machine's steady clock is looked at: how long a token is good the dispatcher says.
 *
 * What logs must not show is told to the mask before any step can have it.
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

  /** Where the stream to the dispatcher finds what is asked. */
  get desk(): IdTokenDesk {
    return this.#deps.desk
  }

  /**
   * What a step finds in its environment that begins now: tokens that are fresh, and where their files are.
   * Rejects with the reason in words where there are none, and with the signal's reason.
   */
  async forStep(files: SandboxFiles | undefined): Promise<Record<string, string>> {
    this.#files = files
    await this.#turns.run(() => this.#renew(this.#olderThan(0.1)))
    this.#startTimer(this.#dueInMs())
    const env: Record<string, string> = {}
    for (const [name, { token }] of this.#held) {
      env[name] = token
      if (files) env[idTokenFileVariable(name)] = files.pathOf(name)
    }
    return env
  }

  /** Asks for no more. */
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
      const words = `there is no id token ${names[0]}: no dispatcher has answered for two minutes`
      late.abort(new NarwhalError('not_found', words))
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

  /** How long the first of them has until half of its life is over. */
  #dueInMs(): number {
    const due = [...this.#held.values()].map(({ gotAt, lifetimeMs }) => gotAt + lifetimeMs / 2)
    return Math.min(...due) - performance.now()
  }

  /** Only files can be renewed: what is in an environment stays as it is. */
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
      this.#deps.log.warn({ reason: describeError(error) }, 'id tokens could not be renewed')
      const lives = [...this.#held.values()].map(({ lifetimeMs }) => lifetimeMs / 10)
      this.#startTimer(Math.min(LONGEST_RETRY_MS, ...lives))
    }
  }
}

/** Its signature, without which the rest says who a job is, and opens nothing. */
function secretOf({ token }: NamedIdToken): string {
  return token.slice(token.lastIndexOf('.') + 1)
}
