import { NarwhalError } from '../../lib/errors.ts'
import { placeLeftBy, Takers } from './takers.ts'

/** Of all places one user, or one address without a user, has no more than this part. */
const SHARE = 0.25

/** A number of places for those who stay long, of which each has a share: nobody takes them all. */
export class Places {
  readonly #most: number
  readonly #share: number
  readonly #doing: string
  readonly #takers = new Takers()

  /** `doing` says what they do, such as "clients read whole logs". */
  constructor(most: number, doing: string) {
    this.#most = most
    this.#share = Math.max(2, Math.ceil(most * SHARE))
    this.#doing = doing
  }

  /** How many are taken. */
  get taken(): number {
    return this.#takers.all
  }

  /**
   * Takes one for a user or an address, until it is disposed of; throws `unavailable` when all are
   * taken, and `exhausted` when that one has its share.
   */
  take(who: string): Disposable {
    const own = this.#takers.of(who)
    if (this.#takers.all >= this.#most) {
      const words = `${this.#most} ${this.#doing} already: try again later`
      throw new NarwhalError('unavailable', words)
    }
    if (own >= this.#share) {
      const words = `${own} ${this.#doing} for you already, which is one's share: end one first`
      throw new NarwhalError('exhausted', words)
    }
    this.#takers.add(who)
    return placeLeftBy(() => this.#takers.remove(who))
  }
}
