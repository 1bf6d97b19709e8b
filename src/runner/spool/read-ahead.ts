import type { NumberedEvent } from '../../core/attempt/attempt-event.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { AttemptFiles } from './attempt-files.ts'

/** Reads events back from disk, a chunk at a time, for sequential readers. */
export class ReadAhead {
  readonly #files: AttemptFiles
  /** The events that directly follow number `after`, and the index of the last one found. */
  #chunk: { readonly after: number; readonly events: readonly NumberedEvent[]; at: number }
  #loading: Promise<boolean> | undefined

  constructor(files: AttemptFiles) {
    this.#files = files
    this.#chunk = { after: 0, events: [], at: 0 }
  }

  /** The first event after this number, if it is in the chunk that was read last. */
  find(after: number): NumberedEvent | undefined {
    const chunk = this.#chunk
    if (after < chunk.after) return undefined
    if ((chunk.events[chunk.at - 1]?.seq ?? 0) > after) chunk.at = 0
    while ((chunk.events[chunk.at]?.seq ?? Infinity) <= after) chunk.at += 1
    return chunk.events[chunk.at]
  }

  /**
   * Reads the events after this number, one call at a time. False if there are none on disk; rejects
   * with `unavailable` if they can't be read.
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
      const message = `can't read events from the runner's spool: ${describeError(cause)}`
      throw new NarwhalError('unavailable', message, { cause })
    }
  }
}
