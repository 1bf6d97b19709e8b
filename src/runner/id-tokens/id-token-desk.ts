import type { IdTokenAsk } from '../../contract/rpc/attempt-messages.ts'
import type { IdTokenAnswer, NamedIdToken } from '../../contract/rpc/attempt-requests.ts'
import { NarwhalError } from '../../lib/errors.ts'

/**
 * Where an attempt that wants id tokens meets the stream to whoever makes them: *nothing is asked* →
 * *asked* → answered, and nothing is asked. A stream that breaks takes no answer with it: the next one, be it
 * of another dispatcher, asks the same again.
 */
export class IdTokenDesk {
  readonly #onAsk: () => void
  #last = 0
  #open: (IdTokenAsk & PromiseWithResolvers<readonly NamedIdToken[]>) | undefined

  /** `onAsk` is called when there is something new to ask. */
  constructor(onAsk: () => void) {
    this.#onAsk = onAsk
  }

  get open(): IdTokenAsk | undefined {
    return this.#open
  }

  /**
   * Resolves to fresh tokens of these names; never called again before that. Rejects with `not_found`
   * and the dispatcher's reason where it gives none, and with the signal's reason.
   */
  async ask(names: readonly string[], signal: AbortSignal): Promise<readonly NamedIdToken[]> {
    signal.throwIfAborted()
    this.#last += 1
    const waiting = Promise.withResolvers<readonly NamedIdToken[]>()
    const giveUp = (): void => waiting.reject(signal.reason as Error)
    signal.addEventListener('abort', giveUp, { once: true })
    this.#open = { ask: this.#last, names, ...waiting }
    this.#onAsk()
    try {
      return await waiting.promise
    } finally {
      this.#open = undefined
      signal.removeEventListener('abort', giveUp)
    }
  }

  /** Takes an answer; one to a former ask is late and means nothing. */
  answer(answer: IdTokenAnswer): void {
    const open = this.#open
    if (open?.ask !== answer.ask) return
    const tokens = 'tokens' in answer ? answer.tokens : []
    const given = new Set(tokens.map(({ name }) => name))
    const missing = open.names.find((name) => !given.has(name))
    if (missing === undefined) return open.resolve(tokens)
    const why = 'trouble' in answer ? answer.trouble : 'the dispatcher gave none'
    open.reject(new NarwhalError('not_found', `there is no id token ${missing}: ${why}`))
  }
}
