import { NarwhalError } from '../../lib/errors.ts'
import type { Wake } from '../../lib/wake.ts'

/** Who reads an attempt's events. */
export interface Reader {
  readonly wake: Wake
  /** Set when it is to go, and why. */
  end: NarwhalError | undefined
}

/** The one who reads an attempt's events, or nobody; a new one takes the place of the former. */
export class Audience {
  readonly #onChange: () => void
  #reader: Reader | undefined
  #aloneSince: number | undefined

  /** `aloneSince`: the moment since which nobody reads, of `performance.now()`. */
  constructor(onChange: () => void, aloneSince = performance.now()) {
    this.#onChange = onChange
    this.#aloneSince = aloneSince
  }

  /** Since when nobody reads; undefined while somebody does. */
  get aloneSince(): number | undefined {
    return this.#aloneSince
  }

  enter(wake: Wake): Reader {
    this.dismiss(new NarwhalError('stale', 'another stream has taken over this attempt'))
    this.#reader = { wake, end: undefined }
    this.#onChange()
    this.#aloneSince = undefined
    return this.#reader
  }

  /** Does nothing for one who has gone already. */
  leave(reader: Reader): void {
    if (this.#reader !== reader) return
    this.#reader = undefined
    this.#aloneSince = performance.now()
    this.#onChange()
  }

  dismiss(reason: NarwhalError): void {
    const reader = this.#reader
    if (!reader) return
    reader.end = reason
    reader.wake.wake()
    this.leave(reader)
  }

  /** There is something new to read. */
  wake(): void {
    this.#reader?.wake.wake()
  }
}
