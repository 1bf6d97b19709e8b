/**
 * Live items that wait for their reader. It is bounded: past `capacity` it forgets them all and
 * says so, since the store has them and the reader can go on from there. One reader only.
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

  /** Notes that something was or may be missed: the reader has to look into the store. */
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

  /** Hands out all that waits. */
  take(): { items: Item[]; missed: boolean } {
    const taken = { items: this.#items, missed: this.#missed }
    this.#items = []
    this.#size = 0
    this.#missed = false
    return taken
  }

  /** Resolves to true as soon as something is there, to false after `timeoutMs` or the signal. */
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
