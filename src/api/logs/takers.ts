/** How many places each user, or address without a user, has taken, and all of them together. */
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

/** A place, which is left once, however often it is disposed of. */
export function placeLeftBy(leave: () => void): Disposable {
  let isTaken = true
  return {
    [Symbol.dispose]: () => {
      if (isTaken) leave()
      isTaken = false
    },
  }
}
