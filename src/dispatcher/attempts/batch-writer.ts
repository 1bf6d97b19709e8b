const MOST_BYTES = 2 * 1024 * 1024

export interface BatchOptions<Item> {
  /** The number of buffered items from which on `add` waits; 256 by default. */
  readonly limit?: number
  /** Roughly an item's size in memory; 0 by default. With 2 MiB buffered, `add` waits. */
  readonly bytesOf?: (item: Item) => number
  /** How long an item may be delayed to be batched with others, in milliseconds; 0 by default. */
  readonly delayMsOf?: (item: Item) => number
}

/**
 * Writes items in batches: while one batch is in flight, the next is buffered, so many small items cost few
 * writes. An item is written at once, with all before it, unless it may be delayed: then it waits for the
 * next that may not, or until its delay is over. `add` applies backpressure when the buffer is full. After a
 * failed write every call rejects with its reason.
 */
export class BatchWriter<Item> {
  readonly #write: (items: Item[]) => Promise<void>
  readonly #limit: number
  readonly #bytesOf: (item: Item) => number
  readonly #delayMsOf: (item: Item) => number
  #bytes = 0
  #buffered: Item[] = []
  #writing: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #failure: { readonly reason: unknown } | undefined

  constructor(write: (items: Item[]) => Promise<void>, options: BatchOptions<Item> = {}) {
    this.#write = write
    this.#limit = options.limit ?? 256
    this.#bytesOf = options.bytesOf ?? (() => 0)
    this.#delayMsOf = options.delayMsOf ?? (() => 0)
  }

  async add(item: Item): Promise<void> {
    this.#buffered.push(item)
    this.#bytes += this.#bytesOf(item)
    const isFull = this.#buffered.length >= this.#limit || this.#bytes >= MOST_BYTES
    const delayMs = isFull ? 0 : this.#delayMsOf(item)
    if (delayMs === 0) this.#start()
    // The first delayed item sets the timer: later ones don't extend it.
    else this.#timer ??= setTimeout(() => this.#start(), delayMs)
    if (isFull) await this.#writing
    this.throwFailure()
  }

  /** Resolves when everything added is written. */
  async flush(): Promise<void> {
    this.#start()
    await this.#writing
    this.throwFailure()
  }

  /** Throws the reason of a failed write, if any. */
  throwFailure(): void {
    if (this.#failure) throw this.#failure.reason
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    // With an empty buffer `#drain` would end before it is assigned here, and never be cleared.
    if (this.#buffered.length > 0) this.#writing ??= this.#drain()
  }

  async #drain(): Promise<void> {
    try {
      while (this.#buffered.length > 0) {
        const items = this.#buffered
        this.#buffered = []
        this.#bytes = 0
        await this.#write(items)
      }
    } catch (reason) {
      this.#failure = { reason }
    } finally {
      this.#writing = undefined
    }
  }
}
