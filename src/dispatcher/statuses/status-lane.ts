import { setTimeout as sleep } from 'node:timers/promises'
import type { PipelineId } from '../../core/ids.ts'
import { backoff } from '../../lib/async/backoff.ts'
import type { ForgeAnswer } from './send-status.ts'

/** How one status is told; `nothing`: there was nothing to tell any more. Never rejects. */
export type TellStatus = (id: PipelineId, signal: AbortSignal) => Promise<TellAnswer>
export type TellAnswer = ForgeAnswer | { readonly kind: 'nothing' }

interface Wanted {
  readonly id: PipelineId
  readonly number: number
}

export interface StatusLaneOptions {
  readonly tell: TellStatus
  /** Called when the forge begins to fail (with its words), and when it takes statuses again. */
  readonly onTrouble: (words: string | undefined) => void
  readonly signal: AbortSignal
  /** The pause after a first failure, in milliseconds; it doubles up to five minutes. */
  readonly firstPauseMs: number
}

const AT_ONCE = 4
/** Beyond that the store alone knows of them. */
const MOST_WAITING = 2_000
const LONGEST_PAUSE_MS = 300_000

/**
 * The statuses that one forge gets under one token. Of each commit (`key`) one is on its way at a
 * time, and one waits: which pipeline is told of. What that pipeline's state is by then is asked when
 * its turn comes, so that a state that was overtaken is never sent. After a failure the whole lane
 * rests, as long as the forge has asked for.
 */
export class StatusLane {
  readonly #options: StatusLaneOptions
  readonly #waiting = new Map<string, Wanted>()
  readonly #sending = new Map<string, Promise<void>>()
  #failures = 0
  #isResting = false

  constructor(options: StatusLaneOptions) {
    this.#options = options
  }

  get waiting(): number {
    return this.#waiting.size
  }

  get isIdle(): boolean {
    return this.#waiting.size === 0 && this.#sending.size === 0
  }

  /** Never waits. Of two pipelines of one commit the newer is told of. False: there is no room. */
  add(key: string, wanted: Wanted): boolean {
    const known = this.#waiting.get(key)
    if (!known && this.#waiting.size >= MOST_WAITING) return false
    if (known && known.number > wanted.number) return true
    this.#waiting.set(key, wanted)
    this.#next()
    return true
  }

  /** Resolves when nothing is on its way any more; the signal must have aborted. */
  async settled(): Promise<void> {
    await Promise.all(this.#sending.values())
  }

  #next(): void {
    if (this.#isResting || this.#options.signal.aborted) return
    for (const [key, wanted] of this.#waiting) {
      if (this.#sending.size >= AT_ONCE) return
      if (this.#sending.has(key)) continue
      this.#waiting.delete(key)
      this.#sending.set(key, this.#send(key, wanted))
    }
  }

  async #send(key: string, wanted: Wanted): Promise<void> {
    const answer = await this.#options.tell(wanted.id, this.#options.signal)
    this.#sending.delete(key)
    if (answer.kind === 'later') {
      // It rests first: what is added while nothing rests is sent at once.
      void this.#rest(answer.words, answer.afterMs)
      this.add(key, wanted)
    } else if (answer.kind !== 'nothing') {
      if (this.#failures > 0) this.#options.onTrouble(undefined)
      this.#failures = 0
    }
    this.#next()
  }

  async #rest(words: string, afterMs: number | undefined): Promise<void> {
    const { signal, firstPauseMs, onTrouble } = this.#options
    if (this.#isResting || signal.aborted) return
    this.#isResting = true
    if (this.#failures === 0) onTrouble(words)
    const pauses = { firstMs: firstPauseMs, maxMs: LONGEST_PAUSE_MS }
    const failures = this.#failures++
    await (afterMs === undefined
      ? backoff(failures, pauses, signal)
      : sleep(afterMs, undefined, { signal })
    ).catch(() => undefined)
    this.#isResting = false
    this.#next()
  }
}
