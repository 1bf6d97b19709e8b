import type { AttemptEvent, NumberedEvent } from '../../core/attempt/attempt-event.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { JobMask } from '../masking/job-mask.ts'
import { maskEvent } from '../masking/mask-event.ts'
import type { AttemptFiles } from './attempt-files.ts'
import { EventWindow } from './event-window.ts'
import { ReadAhead } from './read-ahead.ts'
import { SpoolWriter } from './spool-writer.ts'

/** The newest events stay in memory up to this size, where readers find them at once. */
const MEMORY_BYTES = 1024 * 1024

/** What the spools of all attempts share. */
export interface SpoolRoom {
  /** The limit of one attempt on disk. */
  readonly attemptBytes: number
  /** Whether all spools together have reached their limit. */
  isFull(): boolean
  /** Reports what keeps this spool's events from the disk; empty when that is over. */
  report(spool: EventSpool, trouble: string): void
  /** Removes everything of this spool, once `stopped` resolves. */
  release(spool: EventSpool, stopped: Promise<void>): void
}

export interface SpoolDisk {
  readonly files: AttemptFiles
  readonly room: SpoolRoom
}

/** What a previous process left of an attempt. */
export interface LeftEvents {
  /** The number of the last event on disk. */
  readonly lastSeq: number
  /** The events to append, as the attempt itself no longer can. */
  readonly ending: readonly AttemptEvent[]
}

interface SpoolOptions {
  readonly left?: LeftEvents
  readonly mask?: JobMask | undefined
}

/**
 * The events of one attempt, numbered from 1, kept until they are acknowledged: the newest in memory,
 * all of them on disk. Writing to disk is asynchronous, so neither appending nor reading waits for
 * it; a failing disk delays writers, through `room`, and loses nothing while the process lives.
 * Appending never fails.
 *
 * If a previous process died before the end of the attempt, the `ending` follows the last event that
 * anyone has: a dispatcher may have stored more events than had reached the disk. So the ending is
 * numbered only when a reader reaches it.
 */
export class EventSpool {
  /** Masks secrets in the events. */
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
    // Nothing more is written for an attempt of a previous process.
    if (left) return
    this.#writer = new SpoolWriter({
      window: this.#window,
      files: disk.files,
      onWritten: () => {
        this.#window.shrink(MEMORY_BYTES)
        this.reconsider()
      },
      onTrouble: (trouble) => disk.room.report(this, trouble),
    })
  }

  /** The number of the newest event; 0 before the first. */
  get lastSeq(): number {
    return this.#lastSeq
  }

  /** Roughly the size of what is on disk or waits to be written. */
  get bytes(): number {
    if (this.isEmpty) return 0
    return this.#disk.files.bytes + this.#window.unwrittenBytes
  }

  /** Roughly the memory used. */
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

  /** Drops the events up to this number; after the last event of a finished attempt, everything. */
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

  /** Undefined while there is room; otherwise resolves when there is room again. */
  room(): Promise<void> | undefined {
    if (this.#hasRoom(MEMORY_BYTES)) return undefined
    this.#room ??= Promise.withResolvers()
    return this.#room.promise
  }

  /** Resolves `room` if there is room now. */
  reconsider(): void {
    if (!this.#room || !this.#hasRoom(MEMORY_BYTES / 2)) return
    this.#room.resolve()
    this.#room = undefined
  }

  /**
   * The first event after this number: at once if it is in memory; otherwise a promise that reads it
   * from disk, and rejects with `unavailable` if that fails.
   */
  next(afterSeq: number): NumberedEvent | undefined | Promise<NumberedEvent | undefined> {
    const found = this.#find(afterSeq)
    return found === 'on_disk' ? this.#read(afterSeq) : found
  }

  /** Drops everything, acknowledged or not, and removes it from disk. */
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

  /** Flushes everything to disk and stops writing. Rejects if the flush fails. */
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
      // Now the number that they follow is known.
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
        // What was acknowledged meanwhile may have been removed from disk.
        if (this.#acked === acked) throw error
        return true
      })
      if (!isThere && this.#acked === acked) {
        const message = `event ${afterSeq + 1} of an attempt is neither in memory nor on disk`
        throw new NarwhalError('internal', message)
      }
    }
  }
}
