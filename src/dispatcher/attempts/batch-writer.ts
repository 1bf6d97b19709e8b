const MOST_BYTES = 2 * 1024 * 1024

export interface BatchOptions<Item> {
  /** With so many gathered, `add` waits; 256 unless told. */
  readonly limit?: number
  /** Roughly what an item takes in memory; 0 unless told. With 2 MiB gathered, `add` waits. */
  readonly bytesOf?: (item: Item) => number
  /** How long an item may wait for others to be written with, in milliseconds; 0 unless told. */
  readonly patienceMsOf?: (item: Item) => number
}

/**
 * Writes items in batches: while one batch is on its way, the next one gathers, so that many small
 * items cost few writes. An item is written at once, with all before it, unless it has patience: then
 * it waits for the next that has none, or until its patience ends. `add` waits when much has
 * gathered, which slows its caller down. After a write has failed, every call rejects with its reason.
 */
export class BatchWriter<Item> {
  readonly #write: (items: Item[]) => Promise<void>
  readonly #limit: number
  readonly #bytesOf: (item: Item) => number
  readonly #patienceMsOf: (item: Item) => number
  #bytes = 0
  #gathered: Item[] = []
  #writing: Promise<void> | undefined
  #later: NodeJS.Timeout | undefined
  #failure: { readonly reason: unknown } | undefined

  constructor(write: (items: Item[]) => Promise<void>, options: BatchOptions<Item> = {}) {
    this.#write = write
    this.#limit = options.limit ?? 256
    this.#bytesOf = options.bytesOf ?? (() => 0)
    this.#patienceMsOf = options.patienceMsOf ?? (() => 0)
  }

  async add(item: Item): Promise<void> {
    this.#gathered.push(item)
    this.#bytes += this.#bytesOf(item)
    const isMuch = this.#gathered.length >= this.#limit || this.#bytes >= MOST_BYTES
    const patienceMs = isMuch ? 0 : this.#patienceMsOf(item)
    if (patienceMs === 0) this.#start()
    // The first that waits decides: its patience is not made longer by those behind it.
    else this.#later ??= setTimeout(() => this.#start(), patienceMs)
    if (isMuch) await this.#writing
    this.throwFailure()
  }

  /** Resolves when everything added is written. */
  async flush(): Promise<void> {
    this.#start()
    await this.#writing
    this.throwFailure()
  }

  /** Throws the reason why a write has failed, if one has. */
  throwFailure(): void {
    if (this.#failure) throw this.#failure.reason
  }

  #start(): void {
    clearTimeout(this.#later)
    this.#later = undefined
    // With nothing to write it would be over before it is kept here, and stay here for ever.
    if (this.#gathered.length > 0) this.#writing ??= this.#drain()
  }

  async #drain(): Promise<void> {
    try {
      while (this.#gathered.length > 0) {
        const items = this.#gathered
        this.#gathered = []
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
