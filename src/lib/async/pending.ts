/** Promises that have not settled yet. */
export class Pending {
  readonly #all = new Set<Promise<unknown>>()

  get size(): number {
    return this.#all.size
  }

  /** Counts the promise until it settles, and returns it. */
  add<Result>(promise: Promise<Result>): Promise<Result> {
    this.#all.add(promise)
    const done = () => void this.#all.delete(promise)
    promise.then(done, done)
    return promise
  }

  /** Resolves when all that were pending at this moment have settled. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#all)
  }
}
