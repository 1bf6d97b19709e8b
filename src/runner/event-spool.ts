import type { AttemptEvent, NumberedEvent } from '../contract/attempt.ts'

/** With so many bytes not acknowledged, whoever writes is asked to wait. */
const FULL_BYTES = 8 * 1024 * 1024

/**
 * The events of one attempt, numbered from 1, kept until they are acknowledged. In memory: with
 * the process, what was not acknowledged is gone. Adding never fails; who adds much asks for
 * `room` and waits, so that memory stays bounded.
 */
export class EventSpool {
  readonly #events: NumberedEvent[] = []
  readonly #onAppend: () => void
  #lastSeq = 0
  #bytes = 0
  #room: PromiseWithResolvers<void> | undefined

  constructor(onAppend: () => void) {
    this.#onAppend = onAppend
  }

  /** The number of the newest event; 0 before the first. */
  get lastSeq(): number {
    return this.#lastSeq
  }

  /** Roughly the memory that the kept events take. */
  get bytes(): number {
    return this.#bytes
  }

  get isEmpty(): boolean {
    return this.#events.length === 0
  }

  append(event: AttemptEvent): void {
    this.#lastSeq += 1
    this.#bytes += sizeOf(event)
    this.#events.push({ seq: this.#lastSeq, at: Date.now(), event })
    this.#onAppend()
  }

  /** Forgets the events up to this number. */
  acknowledge(throughSeq: number): void {
    const count = Math.min(throughSeq, this.#lastSeq) - this.#lastSeq + this.#events.length
    if (count <= 0) return
    for (const { event } of this.#events.splice(0, count)) this.#bytes -= sizeOf(event)
    if (this.#bytes > FULL_BYTES / 2) return
    this.#room?.resolve()
    this.#room = undefined
  }

  /** Undefined while there is room; else resolves when half of what there may be is acknowledged. */
  room(): Promise<void> | undefined {
    if (this.#bytes <= FULL_BYTES) return undefined
    this.#room ??= Promise.withResolvers()
    return this.#room.promise
  }

  /**
   * The first kept event behind this number: at once when it is at hand, as a promise when it has
   * to be read from the disk, which rejects with `unavailable` where that fails.
   */
  next(afterSeq: number): NumberedEvent | undefined | Promise<NumberedEvent | undefined> {
    const forgotten = this.#lastSeq - this.#events.length
    return this.#events[Math.max(0, afterSeq - forgotten)]
  }

  /** Forgets everything at once, acknowledged or not, and leaves nothing on the disk. */
  discard(): void {
    this.acknowledge(this.#lastSeq)
  }
}

const EVENT_BYTES = 100
const LINE_BYTES = 60

function sizeOf(event: AttemptEvent): number {
  if (event.type !== 'log') return EVENT_BYTES
  return event.lines.reduce((sum, { text }) => sum + LINE_BYTES + text.length, EVENT_BYTES)
}
