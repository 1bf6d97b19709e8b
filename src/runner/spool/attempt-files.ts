import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { NumberedEvent } from '../../core/attempt/attempt-event.ts'
import type { AttemptRef } from '../../core/ids.ts'
import { hasCode } from '../../lib/errors.ts'
import { Milestones } from './milestones.ts'
import type { Progress } from './progress.ts'
import { encodeRecords, eventOf, eventToBody, isHeader, lengthOf, seqOf } from './record.ts'
import { type Chunk, encodeHeader, readChunk, type Segment, writeAll } from './segment.ts'

/** What must be known of an attempt to report it after its process has died. */
export interface AttemptFacts extends AttemptRef {
  readonly fence: number
  /** How many steps the job has. */
  readonly steps: number
  /** The process of the runner that started it. */
  readonly instanceId: string
}

export interface AttemptFilesOptions {
  readonly folder: string
  readonly facts: AttemptFacts
  /** At this size a segment is full, and the next one is started. */
  readonly segmentBytes: number
  /** Called with each change of `bytes`; negative when files were removed. */
  readonly onBytes: (change: number) => void
}

/** What a previous process left of an attempt. */
export interface LeftSegments {
  readonly segments: readonly Segment[]
  /** The events in them that are not log chunks. */
  readonly milestones: readonly NumberedEvent[]
}

/**
 * The files of one attempt: append-only segments, removed once everything in them is acknowledged.
 * There are none before the first write. Neither `write` nor `sync` may overlap with itself; reads,
 * acknowledgements and removals may come at any time.
 */
export class AttemptFiles {
  readonly #options: AttemptFilesOptions
  readonly #segments: Segment[]
  readonly #milestones: Milestones
  #bytes = 0
  #acked = 0
  #created = 0
  #isFolderUnsynced = false
  #cursor: { readonly segment: Segment; readonly at: number; readonly seq: number } | undefined

  constructor(options: AttemptFilesOptions, left?: LeftSegments) {
    this.#options = options
    this.#segments = [...(left?.segments ?? [])]
    this.#milestones = new Milestones(left?.milestones)
    this.#addBytes(this.#segments.reduce((sum, { bytes }) => sum + bytes, 0))
  }

  /** The size of the segments. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Appends all the events or none: after a rejection, with the system's error, the same write can be
   * retried. `before`: the attempt's progress before them.
   */
  async write(events: readonly NumberedEvent[], before: Progress): Promise<void> {
    const last = events.at(-1)
    if (!last) return
    const { segment, handle } = await this.#openSegment(before)
    const records = encodeRecords(events.map(eventToBody))
    try {
      await writeAll(handle, records, segment.bytes)
    } catch (error) {
      // The next process would take a partial write for damage.
      await handle.truncate(segment.bytes).catch(() => undefined)
      throw error
    }
    const bytes = lengthOf(records)
    segment.bytes += bytes
    segment.lastSeq = last.seq
    segment.isUnsynced = true
    this.#milestones.add(events)
    this.#addBytes(bytes)
  }

  /** Makes what is written, and not yet acknowledged, survive a power cut. */
  async sync(): Promise<void> {
    if ((this.#segments.at(-1)?.lastSeq ?? 0) <= this.#acked) return
    for (const segment of this.#segments.filter(({ handle }) => handle)) {
      if (segment.handle && segment.isUnsynced && segment.lastSeq > this.#acked) {
        segment.isUnsynced = false
        try {
          await segment.handle.datasync()
        } catch (error) {
          segment.isUnsynced = true
          throw error
        }
      }
      if (segment !== this.#segments.at(-1)) await closeSegment(segment)
    }
    if (!this.#isFolderUnsynced) return
    // The names of new files have to survive, too.
    this.#isFolderUnsynced = false
    try {
      await syncFolder(this.#options.folder)
      await syncFolder(dirname(this.#options.folder))
    } catch (error) {
      this.#isFolderUnsynced = true
      throw error
    }
  }

  /**
   * Reads some of the events after this number; empty if there are none on disk. If a file is
   * damaged, the events that are not log chunks come from memory, and one line replaces the lost
   * lines. Rejects if it can't read.
   */
  async read(afterSeq: number): Promise<readonly NumberedEvent[]> {
    const segment = this.#segments.find(({ lastSeq }) => lastSeq > afterSeq)
    if (!segment) return []
    const cursor = this.#cursor
    let at = cursor?.segment === segment && cursor.seq <= afterSeq ? cursor.at : 0
    let seq = afterSeq
    for (;;) {
      const chunk = await this.#readChunk(segment, at)
      at = chunk.end
      const bodies = chunk.bodies.filter((body) => !isHeader(body) && seqOf(body) > afterSeq)
      const events = bodies.map(eventOf)
      seq = events.at(-1)?.seq ?? seq
      if (chunk.isDamaged) return [...events, ...this.#milestones.replaceLost(seq, segment.lastSeq)]
      this.#cursor = { segment, at, seq }
      if (events.length > 0 || at >= segment.bytes) return events
    }
  }

  /** Removes the segments that are acknowledged up to this number. Never fails. */
  acknowledge(throughSeq: number): void {
    this.#acked = Math.max(this.#acked, throughSeq)
    while (this.#segments.length > 1 && (this.#segments[0]?.lastSeq ?? Infinity) <= throughSeq) {
      const segment = this.#segments.shift()
      if (!segment) break
      this.#addBytes(-segment.bytes)
      void closeSegment(segment)
      void rm(segment.path, { force: true }).catch(() => undefined)
    }
    this.#milestones.forget(throughSeq)
  }

  /** Closes the open files; they stay on disk. */
  async close(): Promise<void> {
    await Promise.all(this.#segments.map(closeSegment))
  }

  /** Removes everything; nothing may be written afterwards. */
  async remove(): Promise<void> {
    await this.close()
    this.#segments.length = 0
    this.#addBytes(-this.#bytes)
    await rm(this.#options.folder, { recursive: true, force: true, maxRetries: 3 })
  }

  /** A file that is missing, or unreadable on a bad disk, counts as damaged. */
  async #readChunk(segment: Segment, at: number): Promise<Chunk> {
    try {
      return await readChunk(segment.path, at, segment.bytes)
    } catch (error) {
      const isLost = hasCode(error, 'ENOENT') || hasCode(error, 'EIO')
      if (isLost && this.#segments.includes(segment))
        return { bodies: [], end: at, isDamaged: true }
      throw error
    }
  }

  async #openSegment(progress: Progress): Promise<{ segment: Segment; handle: FileHandle }> {
    const last = this.#segments.at(-1)
    if (last?.handle && last.bytes < this.#options.segmentBytes) {
      return { segment: last, handle: last.handle }
    }
    const { folder, facts } = this.#options
    const follows = last?.lastSeq ?? 0
    const path = join(folder, `${String(this.#created + 1).padStart(8, '0')}.segment`)
    const record = encodeHeader({ version: 2, ...facts, follows, progress })
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const handle = await open(path, 'w', 0o600)
    try {
      await writeAll(handle, record, 0)
    } catch (error) {
      await handle.close()
      throw error
    }
    this.#created += 1
    this.#isFolderUnsynced = true
    const bytes = lengthOf(record)
    const segment = { path, lastSeq: follows, bytes, handle, isUnsynced: true }
    this.#segments.push(segment)
    this.#addBytes(bytes)
    return { segment, handle }
  }

  #addBytes(change: number): void {
    this.#bytes += change
    this.#options.onBytes(change)
  }
}

async function closeSegment(segment: Segment): Promise<void> {
  const { handle } = segment
  segment.handle = undefined
  await handle?.close().catch(() => undefined)
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r')
  await folder.sync()
}
