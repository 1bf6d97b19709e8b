import type { IdTokenAsk } from '../../contract/rpc/attempt-messages.ts'
import type { IdTokenAnswer, NamedIdToken } from '../../contract/rpc/attempt-requests.ts'
import { NarwhalError } from '../../lib/errors.ts'

/**
 * Answers what a runner asks on the stream of an attempt, one after the other: *idle* → *making* → idle. Of
 * what is asked meanwhile only the newest counts, since a runner that keeps to the protocol has asked nothing
 * else; so one that does not costs no more than any other.
 */
export class TokenAnswers {
  readonly #mint: (names: readonly string[]) => Promise<readonly NamedIdToken[]>
  readonly #send: (answer: IdTokenAnswer) => void
  #next: IdTokenAsk | undefined
  #isMaking = false

  /** `mint` rejects with the reason in words; `send` may be called when nobody listens any more. */
  constructor(
    mint: (names: readonly string[]) => Promise<readonly NamedIdToken[]>,
    send: (answer: IdTokenAnswer) => void,
  ) {
    this.#mint = mint
    this.#send = send
  }

  take(ask: IdTokenAsk): void {
    this.#next = ask
    if (!this.#isMaking) void this.#make()
  }

  async #make(): Promise<void> {
    this.#isMaking = true
    for (let one = this.#next; one; one = this.#next) {
      this.#next = undefined
      const answer = await this.#answer(one)
      if (answer) this.#send(answer)
    }
    this.#isMaking = false
  }

  /** Undefined: whoever has the pipeline now is asked the same by the runner. */
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
