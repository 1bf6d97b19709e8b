import { NarwhalError } from '../../lib/errors.ts'
import type { Wake } from '../../lib/wake.ts'

/** A stream that reads an attempt's events. */
export interface Reader {
  readonly wake: Wake
  /** Set when the reader must leave: why. */
  end: NarwhalError | undefined
}

/** The current reader of an attempt's events, if any. A new reader replaces the previous one. */
export class ReaderSlot {
  readonly #onChange: () => void
  #reader: Reader | undefined
  #idleSince: number | undefined

  /** `idleSince`: since when there is no reader, of `performance.now()`. */
  constructor(onChange: () => void, idleSince = performance.now()) {
    this.#onChange = onChange
    this.#idleSince = idleSince
  }

  /** Since when there is no reader; undefined while there is one. */
  get idleSince(): number | undefined {
    return this.#idleSince
  }

  enter(wake: Wake): Reader {
    this.dismiss(new NarwhalError('stale', 'another stream has taken over this attempt'))
    this.#reader = { wake, end: undefined }
    this.#onChange()
    this.#idleSince = undefined
    return this.#reader
  }

  /** Does nothing for a reader that has been replaced. */
  leave(reader: Reader): void {
    if (this.#reader !== reader) return
    this.#reader = undefined
    this.#idleSince = performance.now()
    this.#onChange()
  }

  dismiss(reason: NarwhalError): void {
    const reader = this.#reader
    if (!reader) return
    reader.end = reason
    reader.wake.wake()
    this.leave(reader)
  }

  /** Notifies the reader of new events. */
  wake(): void {
    this.#reader?.wake.wake()
  }
}
