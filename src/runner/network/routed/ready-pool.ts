import { describeError } from '../../../lib/errors.ts'
import type { Logger } from '../../../lib/log.ts'

export interface ReadyPoolDeps<Item> {
  /** How many wait at most. */
  readonly size: number
  readonly make: () => Promise<Item>
  /** Removes an unused one; never rejects. */
  readonly discard: (item: Item) => Promise<void>
  readonly log: Logger
}

/** Delay from taking one to making the next: its taker is busy right now. */
const REST_MS = 200

/** Items made ahead of use, each used once; one is made at a time. */
export class ReadyPool<Item> implements AsyncDisposable {
  readonly #deps: ReadyPoolDeps<Item>
  readonly #waiting: Item[] = []
  #filling: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  /** One that the next taker gets, whatever the size. */
  #begun: Promise<Item> | undefined
  #isClosed = false

  constructor(deps: ReadyPoolDeps<Item>) {
    this.#deps = deps
  }

  get size(): number {
    return this.#waiting.length
  }

  /** A waiting one, or else a new one; rejects if making it fails. */
  async take(): Promise<Item> {
    const taken = this.#waiting.shift()
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.fill(), REST_MS)
    this.#timer.unref()
    return taken ?? (await this.#takeBegun()) ?? (await this.#deps.make())
  }

  /** Begins to make one for the next taker, who is expected any moment. */
  begin(): void {
    this.#begun ??= this.#deps.make()
    this.#begun.catch(() => {})
  }

  /** Makes what is missing in the background. */
  fill(): void {
    this.#filling ??= this.#fill().finally(() => {
      this.#filling = undefined
    })
  }

  /** Discards all waiting ones, which are useless by now. */
  async empty(): Promise<void> {
    const begun = await this.#takeBegun()
    const all = [...this.#waiting.splice(0), ...(begun === undefined ? [] : [begun])]
    await Promise.all(all.map((item) => this.#deps.discard(item)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#filling
    await this.empty()
  }

  /** Undefined if there is none, or making it has failed. */
  async #takeBegun(): Promise<Item | undefined> {
    const begun = this.#begun
    this.#begun = undefined
    return await begun?.catch(() => undefined)
  }

  async #fill(): Promise<void> {
    const { size, make, discard, log } = this.#deps
    while (this.#waiting.length < size && !this.#isClosed) {
      try {
        const item = await make()
        if (this.#isClosed) await discard(item)
        else this.#waiting.push(item)
      } catch (error) {
        // The next taker tries again, and gets the error.
        log.info({ reason: describeError(error) }, 'preparing a job network failed')
        return
      }
    }
  }
}
