import { setImmediate } from 'node:timers/promises'
import { NarwhalError } from '../errors.ts'

interface Entry<Item, Result> {
  readonly item: Item
  readonly resolve: (result: Result) => void
  readonly reject: (reason: unknown) => void
}

/** So many items go together at the most: what one transaction writes stays small. */
const MOST_TOGETHER = 64

/** These are the world's trouble, not an item's: it is the same for each of them. */
const OF_ALL = new Set(['unavailable', 'exhausted', 'cancelled'])

/**
 * Does together what is asked together, so that one transaction, and one wait for the disk, serves
 * many. There is no timer in it: what comes in the same turn of the event loop, or while the last
 * group is under way, goes with the next one, and an item that is alone waits for nobody.
 *
 * Items go in the order of their coming. One that can't be done rejects alone: a group that fails is
 * done again in two halves, until what is at fault is found. How many wait is for the callers to
 * bound.
 */
export class Grouping<Item, Result> {
  readonly #work: (items: readonly Item[]) => Promise<readonly Result[]>
  readonly #mostTogether: number
  #waiting: Entry<Item, Result>[] = []
  #isDraining = false

  /**
   * `work` does all of the items or none, and resolves to their results in the same order. It may
   * be called again with some of the items when it has rejected.
   */
  constructor(
    work: (items: readonly Item[]) => Promise<readonly Result[]>,
    mostTogether = MOST_TOGETHER,
  ) {
    this.#work = work
    this.#mostTogether = mostTogether
  }

  /** Resolves when the item is done; rejects when it could not be. */
  add(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject })
      if (!this.#isDraining) void this.#drain()
    })
  }

  /** Never rejects: each entry hears for itself. */
  async #drain(): Promise<void> {
    this.#isDraining = true
    while (this.#waiting.length > 0) {
      // All sockets that have something to say are heard before.
      await setImmediate()
      await this.#workAll(this.#waiting.splice(0, this.#mostTogether))
    }
    this.#isDraining = false
  }

  async #workAll(entries: readonly Entry<Item, Result>[]): Promise<void> {
    let results: readonly Result[]
    try {
      results = await this.#work(entries.map(({ item }) => item))
    } catch (reason) {
      if (entries.length === 1 || OF_ALL.has(NarwhalError.from(reason).code)) {
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
