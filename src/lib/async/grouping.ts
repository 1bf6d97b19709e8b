import { setImmediate } from 'node:timers/promises'
import { NarwhalError } from '../errors.ts'

interface Entry<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (reason: unknown) => void
}

/** Items per batch at most: keeps transactions small. */
const MAX_BATCH = 64

/** Failures of the environment, not of an item: the same for all, so the batch is not split. */
const COMMON_FAILURES = new Set(['unavailable', 'exhausted', 'cancelled'])

/**
 * Batches items that are added concurrently, so that one transaction, and one fsync, serves many. There is no
 * timer: what arrives in the same turn of the event loop, or while the last batch is in flight, goes into the
 * next one, and a single item never waits for others.
 *
 * Items are worked on in the order of arrival. A bad item rejects alone: a failed batch is retried in halves
 * until the item at fault is found. The queue is unbounded; callers limit what they add.
 */
export class Grouping<Item, Result> {
  readonly #work: (items: readonly Item[]) => Promise<readonly Result[]>
  readonly #maxBatch: number
  #waiting: Entry<Item, Result>[] = []
  #isDraining = false

  /**
   * `work` does all of the items or none, and resolves to their results in the same order. After a rejection
   * it may be called again with some of the same items.
   */
  constructor(work: (items: readonly Item[]) => Promise<readonly Result[]>, maxBatch = MAX_BATCH) {
    this.#work = work
    this.#maxBatch = maxBatch
  }

  /** Resolves when the item is done; rejects when it failed. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      if (!this.#isDraining) void this.#drain()
    })
  }

  /** Never rejects: results and failures go to the entries. */
  async #drain(): Promise<void> {
    this.#isDraining = true
    while (this.#waiting.length > 0) {
      // Lets every socket that is readable now be read first.
      await setImmediate()
      await this.#workAll(this.#waiting.splice(0, this.#maxBatch))
    }
    this.#isDraining = false
  }

  async #workAll(entries: readonly Entry<Item, Result>[]): Promise<void> {
    let results: readonly Result[]
    try {
      results = await this.#work(entries.map(({ item }) => item))
    } catch (reason) {
      if (entries.length === 1 || COMMON_FAILURES.has(NarwhalError.from(reason).code)) {
        for (const { reject } of entries) reject(reason)
        return
      }
      const half = Math.ceil(entries.length / 2)
      await this.#workAll(entries.slice(0, half))
      await this.#workAll(entries.slice(half))
      return
    }
    for (const [index, { resolve }] of entries.entries()) resolve(results[index] as Result)
  }
}
