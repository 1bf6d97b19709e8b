/**
 * A bounded buffer of live items for one reader. Beyond `capacity` it drops all of them and reports
 * that, since the reader can continue from the store.
 */
export class Backlog<Item> {
  readonly #capacity: number
  #items: Item[] = []
  #size = 0
  #missed = false
  #wake: (() => void) | undefined

  /** The capacity is a sum of the sizes given to `push`. */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  push(item: Item, size: number): void {
    if (this.#missed) return
    if (this.#size + size > this.#capacity) {
      this.miss()
      return
    }
    this.#items.push(item)
    this.#size += size
    this.#wake?.()
  }

  /** Records that something was or may have been missed: the reader must continue from the store. */
  miss(): void {
    this.#items = []
    this.#size = 0
    this.#missed = true
    this.#wake?.()
  }

  /** Wakes the reader without an item. */
  wake(): void {
    this.#wake?.()
  }

  /** Returns and clears everything buffered. */
  take(): { items: Item[]; missed: boolean } {
    const taken = { items: this.#items, missed: this.#missed }
    this.#items = []
    this.#size = 0
    this.#missed = false
    return taken
  }

  /** Resolves to true as soon as there is something, to false after `timeoutMs` or on abort. */
  async wait(signal: AbortSignal, timeoutMs: number): Promise<boolean> {
    if (this.#items.length > 0 || this.#missed) return true
    if (signal.aborted) return false
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const timer = setTimeout(resolve, timeoutMs, false)
    const giveUp = () => resolve(false)
    signal.addEventListener('abort', giveUp, { once: true })
    this.#wake = () => resolve(true)
    try {
      return await promise
    } finally {
      this.#wake = undefined
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
    }
  }
}
