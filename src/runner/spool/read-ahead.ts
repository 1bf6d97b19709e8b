import type { NumberedEvent } from '../../core/attempt/attempt-event.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { AttemptFiles } from './attempt-files.ts'

/** Reads events back from the disk, a chunk at a time, for readers that go from one to the next. */
export class ReadAhead {
  readonly #files: AttemptFiles
  /** All the events behind number `after` up to the last of them, and where the last answer was. */
  #chunk: { readonly after: number; readonly events: readonly NumberedEvent[]; at: number }
  #loading: Promise<boolean> | undefined

  constructor(files: AttemptFiles) {
    this.#files = files
    this.#chunk = { after: 0, events: [], at: 0 }
  }

  /** The first event behind this number, if it is in the chunk that was read last. */
  find(after: number): NumberedEvent | undefined {
    const chunk = this.#chunk
    if (after < chunk.after) return undefined
    if ((chunk.events[chunk.at - 1]?.seq ?? 0) > after) chunk.at = 0
    while ((chunk.events[chunk.at]?.seq ?? Infinity) <= after) chunk.at += 1
    return chunk.events[chunk.at]
  }

  /**
   * Reads the events behind this number, one reader after the other. False where there are none on
   * the disk; rejects with `unavailable` where it can't be read.
   */
  async load(after: number): Promise<boolean> {
    while (this.#loading) await this.#loading.catch(() => undefined)
    this.#loading = this.#load(after).finally(() => {
      this.#loading = undefined
    })
    return await this.#loading
  }

  forget(): void {
    this.#chunk = { after: 0, events: [], at: 0 }
  }

  async #load(after: number): Promise<boolean> {
    try {
      const events = await this.#files.read(after)
      this.#chunk = { after, events, at: 0 }
      return events.length > 0
    } catch (cause) {
      const words = `cannot read events from the runner's spool: ${describeError(cause)}`
      throw new NarwhalError('unavailable', words, { cause })
    }
  }
}
