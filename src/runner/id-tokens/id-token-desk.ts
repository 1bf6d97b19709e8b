import type { IdTokenAsk } from '../../contract/rpc/attempt-messages.ts'
import type { IdTokenAnswer, NamedIdToken } from '../../contract/rpc/attempt-requests.ts'
import { withSignal } from '../../lib/async/with-signal.ts'
import { NarwhalError } from '../../lib/errors.ts'

/**
 * Connects an attempt that requests id tokens with the stream to its dispatcher: *idle* → *requested* →
 * idle again. If a stream breaks, the next one, possibly of another dispatcher, repeats the request.
 */
export class IdTokenDesk {
  readonly #onAsk: () => void
  #last = 0
  #open: (IdTokenAsk & PromiseWithResolvers<readonly NamedIdToken[]>) | undefined

  /** `onAsk` is called for each new request. */
  constructor(onAsk: () => void) {
    this.#onAsk = onAsk
  }

  get open(): IdTokenAsk | undefined {
    return this.#open
  }

  /**
   * Resolves to fresh tokens by these names; must not be called concurrently. Rejects with `not_found`
   * and the dispatcher's reason if it issues none, and with the signal's reason.
   */
  async ask(names: readonly string[], signal: AbortSignal): Promise<readonly NamedIdToken[]> {
    signal.throwIfAborted()
    this.#last += 1
    const waiting = Promise.withResolvers<readonly NamedIdToken[]>()
    this.#open = { ask: this.#last, names, ...waiting }
    this.#onAsk()
    try {
      return await withSignal(waiting.promise, signal)
    } finally {
      this.#open = undefined
    }
  }

  /** Takes an answer; a stale one, to an earlier request, is ignored. */
  answer(answer: IdTokenAnswer): void {
    const open = this.#open
    if (open?.ask !== answer.ask) return
    const tokens = 'tokens' in answer ? answer.tokens : []
    const given = new Set(tokens.map(({ name }) => name))
    const missing = open.names.find((name) => !given.has(name))
    if (missing === undefined) return open.resolve(tokens)
    const why = 'trouble' in answer ? answer.trouble : 'the dispatcher issued none'
    open.reject(new NarwhalError('not_found', `there is no id token ${missing}: ${why}`))
  }
}
