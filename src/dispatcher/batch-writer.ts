/**
 * Writes items in batches: while one batch is on its way, the next one gathers, so that many small
 * items cost few writes and a lone one waits for nothing. `add` waits when much has gathered,
 * which slows its caller down. After a write has failed, every call rejects with its reason.
 */
export class BatchWriter<Item> {
  readonly #write: (items: Item[]) => Promise<void>
  readonly #limit: number
  #gathered: Item[] = []
  #writing: Promise<void> | undefined
  #failure: { readonly reason: unknown } | undefined

  constructor(write: (items: Item[]) => Promise<void>, limit = 256) {
    this.#write = write
    this.#limit = limit
  }

  async add(item: Item): Promise<void> {
    this.#gathered.push(item)
    this.#writing ??= this.#drain()
    if (this.#gathered.length >= this.#limit) await this.#writing
    this.throwFailure()
  }

  /** Resolves when everything added is written. */
  async flush(): Promise<void> {
    await this.#writing
    this.throwFailure()
  }

  /** Throws the reason why a write has failed, if one has. */
  throwFailure(): void {
    if (this.#failure) throw this.#failure.reason
  }

  async #drain(): Promise<void> {
    try {
      while (this.#gathered.length > 0) {
        const items = this.#gathered
        this.#gathered = []
        await this.#write(items)
      }
    } catch (reason) {
      this.#failure = { reason }
    } finally {
      this.#writing = undefined
    }
  }
}
