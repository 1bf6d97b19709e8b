import { create } from '@bufbuild/protobuf'
import {
  type AskForIdTokens,
  type RunAttemptRequest,
  RunAttemptRequestSchema,
} from '../../contract/gen/narwhal/v1/runner_pb.js'
import { NarwhalError } from '../../lib/errors.ts'
import type { NamedToken } from './job-id-tokens.ts'

/**
 * Answers what a runner asks on the stream of an attempt, one after the other: *idle* → *making* → idle. Of
 * what is asked meanwhile only the newest counts, since a runner that keeps to the protocol has asked nothing
 * else; so one that does not costs no more than any other.
 */
export class TokenAnswers {
  readonly #mint: (names: readonly string[]) => Promise<readonly NamedToken[]>
  readonly #send: (request: RunAttemptRequest) => void
  #next: AskForIdTokens | undefined
  #isMaking = false

  /** `mint` rejects with the reason in words; `send` may be called when nobody listens any more. */
  constructor(
    mint: (names: readonly string[]) => Promise<readonly NamedToken[]>,
    send: (request: RunAttemptRequest) => void,
  ) {
    this.#mint = mint
    this.#send = send
  }

  take(ask: AskForIdTokens): void {
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
  async #answer({ ask, names }: AskForIdTokens): Promise<RunAttemptRequest | undefined> {
    try {
      const tokens = await this.#mint(names)
      return answerOf({ ask, tokens: tokens.map((token) => ({ ...token })) })
    } catch (reason) {
      const { code, message } = NarwhalError.from(reason)
      if (code === 'stale' || code === 'cancelled') return undefined
      return answerOf({ ask, trouble: message })
    }
  }
}

function answerOf(value: {
  ask: number
  tokens?: { name: string; token: string; lifetimeMs: number }[]
  trouble?: string
}): RunAttemptRequest {
  return create(RunAttemptRequestSchema, { request: { case: 'idTokens', value } })
}
