import type { IdTokenAsk } from '../../contract/rpc/attempt-messages.ts'
import type { IdTokenAnswer, NamedIdToken } from '../../contract/rpc/attempt-requests.ts'
import { NarwhalError } from '../../lib/errors.ts'

/**
 * Answers a runner's requests for tokens on the stream of an attempt, one at a time: *idle* → *minting* →
 * idle. Of the requests received meanwhile only the newest is answered: a runner that keeps to the protocol
 * sends no other, and one that doesn't costs no more than any other.
 */
export class TokenAnswers {
  readonly #mint: (names: readonly string[]) => Promise<readonly NamedIdToken[]>
  readonly #send: (answer: IdTokenAnswer) => void
  #next: IdTokenAsk | undefined
  #isMinting = false

  /** `mint` rejects with the reason as a message; `send` may be called after the stream has ended. */
  constructor(
    mint: (names: readonly string[]) => Promise<readonly NamedIdToken[]>,
    send: (answer: IdTokenAnswer) => void,
  ) {
    this.#mint = mint
    this.#send = send
  }

  take(ask: IdTokenAsk): void {
    this.#next = ask
    if (!this.#isMinting) void this.#run()
  }

  async #run(): Promise<void> {
    this.#isMinting = true
    for (let one = this.#next; one; one = this.#next) {
      this.#next = undefined
      const answer = await this.#answer(one)
      if (answer) this.#send(answer)
    }
    this.#isMinting = false
  }

  /** Undefined if we don't own the pipeline any more: the runner sends the request to its new owner, too. */
  async #answer({ ask, names }: IdTokenAsk): Promise<IdTokenAnswer | undefined> {
    try {
      return { ask, tokens: await this.#mint(names) }
    } catch (reason) {
      const { code, message } = NarwhalError.from(reason)
      if (code === 'stale' || code === 'cancelled') return undefined
      return { ask, trouble: message }
    }
  }
}
