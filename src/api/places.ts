import { NarwhalError } from '../lib/errors.ts'

/** A number of places for those who stay long. */
export class Places {
  readonly #most: number
  readonly #doing: string
  #taken = 0

  /** `doing` says what they do, such as "clients read whole logs". */
  constructor(most: number, doing: string) {
    this.#most = most
    this.#doing = doing
  }

  /** Takes one, until it is disposed of; throws `unavailable` when all are taken. */
  take(): Disposable {
    if (this.#taken >= this.#most) {
      const words = `${this.#most} ${this.#doing} already: try again later`
      throw new NarwhalError('unavailable', words)
    }
    this.#taken++
    let isTaken = true
    return {
      [Symbol.dispose]: () => {
        if (isTaken) this.#taken--
        isTaken = false
      },
    }
  }
}
