import { NarwhalError } from '../../lib/errors.ts'

const WINDOW_MS = 60_000
/** Past so many addresses all are forgotten: memory is bounded, and guessing is hopeless anyway. */
const MOST_ADDRESSES = 10_000

interface Tries {
  failed: number
  readonly since: number
}

/** Counts the tries of each address that have failed within a minute; past the limit, none is let in. */
export class FailedTries {
  readonly #limit: number
  readonly #now: () => number
  readonly #byAddress = new Map<string, Tries>()

  constructor(limit: number, now: () => number = () => performance.now()) {
    this.#limit = limit
    this.#now = now
  }

  /** Throws `exhausted` when the address has failed too often lately. */
  check(address: string): void {
    const tries = this.#recent(address)
    if (!tries || tries.failed < this.#limit) return
    throw new NarwhalError('exhausted', 'too many tries failed: try again in a minute')
  }

  note(address: string): void {
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
