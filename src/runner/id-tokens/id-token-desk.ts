import type { MintedIdToken, MintedIdTokens } from '../../contract/gen/narwhal/v1/runner_pb.js'
import { NarwhalError } from '../../lib/errors.ts'

/** What is asked for, until it is answered. */
export interface OpenAsk {
  /** Grows with every ask of the attempt. */
  readonly ask: number
  readonly names: readonly string[]
}

/**
 * Where an attempt that wants id tokens meets the stream to whoever makes them: *nothing is asked* →
 * *asked* → answered, and nothing is asked. A stream that breaks takes no answer with it: the next one, be it
 * of another dispatcher, asks the same again.
 */
export class IdTokenDesk {
  readonly #onAsk: () => void
  #last = 0
  #open: (OpenAsk & PromiseWithResolvers<readonly MintedIdToken[]>) | undefined

  /** `onAsk` is called when there is something new to ask. */
  constructor(onAsk: () => void) {
    this.#onAsk = onAsk
  }

  get open(): OpenAsk | undefined {
    return this.#open
  }

  /**
   * Resolves to fresh tokens of these names; never called again before that. Rejects with `not_found`
   * and the dispatcher's reason where it gives none, and with the signal's reason.
   */
  async ask(names: readonly string[], signal: AbortSignal): Promise<readonly MintedIdToken[]> {
    signal.throwIfAborted()
    this.#last += 1
    const waiting = Promise.withResolvers<readonly MintedIdToken[]>()
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
  answer({ ask, tokens, trouble }: MintedIdTokens): void {
    const open = this.#open
    if (open?.ask !== ask) return
    const given = new Set(tokens.map(({ name }) => name))
    const missing = open.names.find((name) => !given.has(name))
    if (missing === undefined) return open.resolve(tokens)
    const why = trouble || 'the dispatcher gave none'
    open.reject(new NarwhalError('not_found', `there is no id token ${missing}: ${why}`))
  }
}
