import type { AttemptEvent, NumberedEvent } from '../../core/attempt/attempt-event.ts'
import { advance, NOTHING_YET, type Progress } from './progress.ts'

interface Entry {
  readonly event: NumberedEvent
  readonly bytes: number
}

/**
 * The newest events of an attempt, in memory. The oldest are dropped once acknowledged, or, if there
 * are too many, once they are on disk. Events that are not on disk are always here.
 */
export class EventWindow {
  readonly #entries: Entry[] = []
  /** How many of the entries, from the first, are on disk. */
  #written = 0
  #before: number
  #bytes = 0
  #unwrittenBytes = 0
  #progress = NOTHING_YET

  /** A window that begins after the event with this number. */
  constructor(before: number) {
    this.#before = before
  }

  /** The window has all events after this number. */
  get before(): number {
    return this.#before
  }

  /** Roughly the memory used by the events. */
  get bytes(): number {
    return this.#bytes
  }

  /** The part of it for events that are not on disk. */
  get unwrittenBytes(): number {
    return this.#unwrittenBytes
  }

  /** The attempt's progress before the first event that is not on disk. */
  get progress(): Progress {
    return this.#progress
  }

  push(event: NumberedEvent): void {
    const bytes = sizeOf(event.event)
    this.#entries.push({ event, bytes })
    this.#bytes += bytes
    this.#unwrittenBytes += bytes
  }

  /** The first event after this number, which must not be before the window. */
  next(afterSeq: number): NumberedEvent | undefined {
    return this.#entries[Math.max(0, afterSeq - this.#before)]?.event
  }

  /** The oldest events that are not on disk, about `maxBytes` of them. */
  listUnwritten(maxBytes: number): NumberedEvent[] {
    const events: NumberedEvent[] = []
    let bytes = 0
    for (let at = this.#written; at < this.#entries.length && bytes < maxBytes; at++) {
      const entry = this.#entries[at]
      if (!entry) break
      events.push(entry.event)
      bytes += entry.bytes
    }
    return events
  }

  /** Events up to this number are now on disk. */
  markWritten(throughSeq: number): void {
    this.#settle(throughSeq - this.#before)
  }

  /** Drops the events up to this number, on disk or not. */
  forget(throughSeq: number): void {
    const count = Math.min(throughSeq - this.#before, this.#entries.length)
    if (count <= 0) {
      if (this.#entries.length === 0) this.#before = Math.max(this.#before, throughSeq)
      return
    }
    this.#settle(count)
    this.#drop(count)
  }

  /** Drops the oldest of the events on disk until the rest takes at most this much. */
  shrink(maxBytes: number): void {
    let count = 0
    let left = this.#bytes
    for (; count < this.#written && left > maxBytes; count++) {
      left -= this.#entries[count]?.bytes ?? 0
    }
    this.#drop(count)
  }

  #settle(count: number): void {
    for (; this.#written < Math.min(count, this.#entries.length); this.#written++) {
      const entry = this.#entries[this.#written]
      if (!entry) return
      this.#unwrittenBytes -= entry.bytes
      this.#progress = advance(this.#progress, entry.event.event)
    }
  }

  #drop(count: number): void {
    for (const { bytes } of this.#entries.splice(0, count)) this.#bytes -= bytes
    this.#before += count
    this.#written -= count
  }
}

const EVENT_BYTES = 200

function sizeOf(event: AttemptEvent): number {
  return event.type === 'log' ? EVENT_BYTES + event.chunk.content.length : EVENT_BYTES
}
