import { describeError } from '../../../lib/errors.ts'
import type { Logger } from '../../../lib/log.ts'

export interface ReadyPoolDeps<Item> {
  /** How many wait at most. */
  readonly size: number
  readonly make: () => Promise<Item>
  /** Removes one that nobody has had; never rejects. */
  readonly discard: (item: Item) => Promise<void>
  readonly log: Logger
}

/** So long after one was taken the next is made: whoever took it is at work just now. */
const REST_MS = 200

/** Things made ahead of their use, each given away once; one is made at a time. */
export class ReadyPool<Item> implements AsyncDisposable {
  readonly #deps: ReadyPoolDeps<Item>
  readonly #waiting: Item[] = []
  #filling: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(deps: ReadyPoolDeps<Item>) {
    this.#deps = deps
  }

  get size(): number {
    return this.#waiting.length
  }

  /** One that waits, or else a new one; rejects as the making does. */
  async take(): Promise<Item> {
    const taken = this.#waiting.shift()
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.fill(), REST_MS)
    this.#timer.unref()
    return taken ?? (await this.#deps.make())
  }

  /** Makes in the background what is missing. */
  fill(): void {
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = undefined
    })
  }

  /** Discards all that wait; they are of no use any more. */
  async empty(): Promise<void> {
    await Promise.all(this.#waiting.splice(0).map((item) => this.#deps.discard(item)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#filling
    await this.empty()
  }

  async #fill(): Promise<void> {
    const { size, make, discard, log } = this.#deps
    while (this.#waiting.length < size && !this.#isClosed) {
      try {
        const item = await make()
        if (this.#isClosed) await discard(item)
        else this.#waiting.push(item)
      } catch (error) {
        // Whoever needs one tries again, and hears of it.
        log.info({ reason: describeError(error) }, 'no network could be made ready for a job')
        return
      }
    }
  }
}
