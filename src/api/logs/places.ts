import { NarwhalError } from '../../lib/errors.ts'
import { placeLeftBy, Takers } from './takers.ts'

/** The maximum share of one user, or of one address without a user. */
const SHARE = 0.25

/** A concurrency limit for long-lived requests, of which each caller can take only a share. */
export class Places {
  readonly #max: number
  readonly #share: number
  readonly #doing: string
  readonly #takers = new Takers()

  /** `doing`: what they do, such as "clients are reading whole logs". */
  constructor(max: number, doing: string) {
    this.#max = max
    this.#share = Math.max(2, Math.ceil(max * SHARE))
    this.#doing = doing
  }

  /** The number in use. */
  get taken(): number {
    return this.#takers.all
  }

  /**
   * Takes one for a user or an address until it is disposed; throws `unavailable` if all are taken, and
   * `exhausted` if the caller has its share.
   */
  take(who: string): Disposable {
    const own = this.#takers.of(who)
    if (this.#takers.all >= this.#max) {
      const message = `${this.#max} ${this.#doing}: try again later`
      throw new NarwhalError('unavailable', message)
    }
    if (own >= this.#share) {
      const message = `${own} ${this.#doing} for you, the limit for one user: end one first`
      throw new NarwhalError('exhausted', message)
    }
    this.#takers.add(who)
    return placeLeftBy(() => this.#takers.remove(who))
  }
}
