/** The number of permits taken by each user, or address without a user, and in total. */
export class Takers {
  readonly #taken = new Map<string, number>()
  #all = 0

  get all(): number {
    return this.#all
  }

  of(who: string): number {
    return this.#taken.get(who) ?? 0
  }

  add(who: string): void {
    this.#taken.set(who, this.of(who) + 1)
    this.#all++
  }

  remove(who: string): void {
    this.#all--
    const left = this.of(who) - 1
    if (left > 0) this.#taken.set(who, left)
    else this.#taken.delete(who)
  }
}

/** A permit; disposing it is idempotent. */
export function placeLeftBy(leave: () => void): Disposable {
  let isTaken = true
  return {
    [Symbol.dispose]: () => {
      if (isTaken) leave()
      isTaken = false
    },
  }
}
