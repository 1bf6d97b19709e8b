import type { AttemptEvent, NumberedEvent } from '../../core/attempt/attempt-event.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { JobMask } from '../masking/job-mask.ts'
import { maskEvent } from '../masking/mask-event.ts'
import type { AttemptFiles } from './attempt-files.ts'
import { EventWindow } from './event-window.ts'
import { ReadAhead } from './read-ahead.ts'
import { SpoolWriter } from './spool-writer.ts'

/** So many bytes of the newest events stay in memory, where readers find them at once. */
const MEMORY_BYTES = 1024 * 1024

/** What an attempt's spool shares with those of the others. */
export interface SpoolRoom {
  /** Bytes that the disk may hold of one attempt. */
  readonly attemptBytes: number
  /** Whether all of them together take as much of the disk as they may. */
  isFull(): boolean
  /** What keeps this spool's events from the disk, in words; empty when that is over. */
  tell(spool: EventSpool, trouble: string): void
  /** Everything of this spool is to be removed; the promise resolves when nothing is written any more. */
  release(spool: EventSpool, stopped: Promise<void>): void
}

export interface SpoolDisk {
  readonly files: AttemptFiles
  readonly room: SpoolRoom
}

/** What a former process left of an attempt. */
export interface LeftEvents {
  /** The number of the last event on the disk. */
  readonly lastSeq: number
  /** What is to be told behind it, now that no more will come from the attempt itself. */
  readonly ending: readonly AttemptEvent[]
}

interface SpoolOptions {
  readonly left?: LeftEvents
  readonly mask?: JobMask | undefined
}

/**
 * The events of one attempt, numbered from 1, kept until they are acknowledged: the newest in
 * memory, all on the disk. They come to the disk in their own time, so that nobody who appends or
 * reads waits for it; a failing disk delays writers, through `room`, and loses nothing as long as
 * the process lives. Adding never fails.
 *
 * Of an attempt that a former process left without its end, the `ending` follows behind the last
 * event that anybody has: a dispatcher may have stored more than the disk had got when the process
 * died. So it gets its numbers only when a reader comes to it.
 */
export class EventSpool {
  /** Takes out of what is told what the job must not show. */
  readonly mask: JobMask
  readonly #onAppend: () => void
  readonly #disk: SpoolDisk
  readonly #window: EventWindow
  readonly #writer: SpoolWriter | undefined
  readonly #ahead: ReadAhead
  #ending: readonly AttemptEvent[]
  #lastSeq: number
  #acked = 0
  #hasFinished = false
  #isReleased = false
  #room: PromiseWithResolvers<void> | undefined

  /** Use `Spools.create`. */
  constructor(onAppend: () => void, disk: SpoolDisk, { left, mask }: SpoolOptions = {}) {
    this.mask = mask ?? new JobMask({})
    this.#onAppend = onAppend
    this.#disk = disk
    this.#lastSeq = left?.lastSeq ?? 0
    this.#ending = left?.ending ?? []
    this.#hasFinished = left !== undefined
    this.#window = new EventWindow(this.#lastSeq)
    this.#ahead = new ReadAhead(disk.files)
    // Nothing more comes to the disk of what a former process began.
    if (left) return
    this.#writer = new SpoolWriter({
      window: this.#window,
      files: disk.files,
      onWritten: () => {
        this.#window.shrink(MEMORY_BYTES)
        this.reconsider()
      },
      onTrouble: (words) => disk.room.tell(this, words),
    })
  }

  /** The number of the newest event; 0 before the first. */
  get lastSeq(): number {
    return this.#lastSeq
  }

  /** Roughly what is kept, on the disk and on the way to it. */
  get bytes(): number {
    if (this.isEmpty) return 0
    return this.#disk.files.bytes + this.#window.unwrittenBytes
  }

  /** The part of it that is in memory. */
  get memoryBytes(): number {
    return this.#window.bytes
  }

  get isEmpty(): boolean {
    return this.#acked >= this.#lastSeq && this.#ending.length === 0
  }

  append(event: AttemptEvent): void {
    if (this.#isReleased) return
    this.#add(maskEvent(event, this.mask), Date.now())
    this.#writer?.wake()
    this.#onAppend()
  }

  /** Forgets the events up to this number; of a finished attempt, after the last, everything. */
  acknowledge(throughSeq: number): void {
    if (this.#ending.length > 0) this.#lastSeq = Math.max(this.#lastSeq, throughSeq)
    const through = Math.min(throughSeq, this.#lastSeq)
    if (through <= this.#acked) return
    this.#acked = through
    this.#window.forget(through)
    this.#disk.files.acknowledge(through)
    this.reconsider()
    if (this.#hasFinished && this.isEmpty) this.discard()
  }

  /** Undefined while there is room; else resolves when whoever appends much may go on. */
  room(): Promise<void> | undefined {
    if (this.#hasRoom(MEMORY_BYTES)) return undefined
    this.#room ??= Promise.withResolvers()
    return this.#room.promise
  }

  /** Lets go on who waits for room, if there is some now. */
  reconsider(): void {
    if (!this.#room || !this.#hasRoom(MEMORY_BYTES / 2)) return
    this.#room.resolve()
    this.#room = undefined
  }

  /**
   * The first kept event behind this number: at once when it is at hand, as a promise when it has
   * to be read from the disk, which rejects with `unavailable` where that fails.
   */
  next(afterSeq: number): NumberedEvent | undefined | Promise<NumberedEvent | undefined> {
    const found = this.#find(afterSeq)
    return found === 'on_disk' ? this.#read(afterSeq) : found
  }

  /** Forgets everything at once, acknowledged or not, and leaves nothing on the disk. */
  discard(): void {
    if (this.#isReleased) return
    this.#isReleased = true
    this.#ending = []
    this.#acked = this.#lastSeq
    this.#ahead.forget()
    this.#window.forget(this.#lastSeq)
    this.reconsider()
    this.#disk.room.release(this, this.#writer?.stop() ?? Promise.resolve())
  }

  /** Brings everything to the disk and writes nothing more. Rejects where the disk does not take it. */
  async close(): Promise<void> {
    if (this.#isReleased) return
    try {
      await this.#writer?.flush()
    } finally {
      await this.#disk.files.close()
    }
  }

  #add(event: AttemptEvent, at: number): void {
    this.#lastSeq += 1
    this.#window.push({ seq: this.#lastSeq, at, event })
    if (event.type === 'finished') this.#hasFinished = true
  }

  #hasRoom(memoryBytes: number): boolean {
    if (this.#isReleased) return true
    const { room } = this.#disk
    if (this.#window.unwrittenBytes > memoryBytes) return false
    return this.bytes <= room.attemptBytes && !room.isFull()
  }

  #find(afterSeq: number): NumberedEvent | undefined | 'on_disk' {
    const after = Math.max(afterSeq, this.#acked)
    if (after >= this.#lastSeq && this.#ending.length > 0) {
      // Now it is known behind which number they belong.
      this.#lastSeq = after
      this.#window.forget(after)
      for (const event of this.#ending) this.#add(event, Date.now())
      this.#ending = []
    }
    if (after >= this.#window.before) return this.#window.next(after)
    return this.#ahead.find(after) ?? 'on_disk'
  }

  async #read(afterSeq: number): Promise<NumberedEvent | undefined> {
    for (;;) {
      const found = this.#find(afterSeq)
      if (found !== 'on_disk') return found
      const acked = this.#acked
      const isThere = await this.#ahead.load(Math.max(afterSeq, acked)).catch((error: unknown) => {
        // What was acknowledged meanwhile may be gone from the disk.
        if (this.#acked === acked) throw error
        return true
      })
      if (!isThere && this.#acked === acked) {
        const words = `event ${afterSeq + 1} of an attempt is neither in memory nor on the disk`
        throw new NarwhalError('internal', words)
      }
    }
  }
}
