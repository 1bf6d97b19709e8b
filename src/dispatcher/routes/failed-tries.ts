import { NarwhalError } from '../../lib/errors.ts'

const WINDOW_MS = 60_000
/** With more addresses all are dropped: memory is bounded, and guessing is hopeless anyway. */
const MOST_ADDRESSES = 10_000

interface Tries {
  failed: number
  readonly since: number
}

/** Rate-limits failed attempts per address, by the number within a minute. */
export class FailedTries {
  readonly #limit: number
  readonly #now: () => number
  readonly #byAddress = new Map<string, Tries>()

  constructor(limit: number, now: () => number = () => performance.now()) {
    this.#limit = limit
    this.#now = now
  }

  /** Throws `exhausted` if the address has failed too often. */
  check(address: string): void {
    const tries = this.#recent(address)
    if (!tries || tries.failed < this.#limit) return
    throw new NarwhalError('exhausted', 'too many failed attempts: try again in a minute')
  }

  add(address: string): void {
    const tries = this.#recent(address)
    if (tries) {
      tries.failed++
      return
    }
    if (this.#byAddress.size >= MOST_ADDRESSES) this.#byAddress.clear()
    this.#byAddress.set(address, { failed: 1, since: this.#now() })
  }

  #recent(address: string): Tries | undefined {
    const tries = this.#byAddress.get(address)
    if (!tries || this.#now() - tries.since < WINDOW_MS) return tries
    this.#byAddress.delete(address)
    return undefined
  }
}
