import { type FileHandle, mkdir, open, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { NumberedEvent } from '../../core/attempt/attempt-event.ts'
import type { AttemptRef } from '../../core/ids.ts'
import { hasCode } from '../../lib/errors.ts'
import { Milestones } from './milestones.ts'
import type { Progress } from './progress.ts'
import { encodeRecords, eventOf, eventToBody, isHeader, lengthOf, seqOf } from './record.ts'
import { type Chunk, encodeHeader, readChunk, type Segment, writeAll } from './segment.ts'

/** What of an attempt must be known to report it when its process is gone. */
export interface AttemptFacts extends AttemptRef {
  readonly fence: number
  /** How many steps the job has. */
  readonly steps: number
  /** The life of the runner that started it. */
  readonly instanceId: string
}

export interface AttemptFilesOptions {
  readonly folder: string
  readonly facts: AttemptFacts
  /** A segment that has so many bytes gets a successor. */
  readonly segmentBytes: number
  /** Called with each change of `bytes`, negative where files have gone. */
  readonly onBytes: (change: number) => void
}

/** What a former process left of an attempt. */
export interface LeftSegments {
  readonly segments: readonly Segment[]
  /** The events among them that are no log lines. */
  readonly milestones: readonly NumberedEvent[]
}

/**
 * The files of one attempt: segments that are only ever added to, and removed when all that is in
 * them is acknowledged. There are none before the first write. Writes and `sync` must not overlap
 * with themselves; reads, acknowledgements and removals may come at any time.
 */
export class AttemptFiles {
  readonly #options: AttemptFilesOptions
  readonly #segments: Segment[]
  readonly #milestones: Milestones
  #bytes = 0
  #acked = 0
  #made = 0
  #isFolderUnsynced = false
  #cursor: { readonly segment: Segment; readonly at: number; readonly seq: number } | undefined

  constructor(options: AttemptFilesOptions, left?: LeftSegments) {
    this.#options = options
    this.#segments = [...(left?.segments ?? [])]
    this.#milestones = new Milestones(left?.milestones)
    this.#addBytes(this.#segments.reduce((sum, { bytes }) => sum + bytes, 0))
  }

  /** Bytes of the segments that are kept. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Adds the events, all of them or none: after a rejection, with whatever the system says, the
   * same can be tried again. `before`: how far the attempt had come before them.
   */
  async write(events: readonly NumberedEvent[], before: Progress): Promise<void> {
    const last = events.at(-1)
    if (!last) return
    const { segment, handle } = await this.#openSegment(before)
    const records = encodeRecords(events.map(eventToBody))
    try {
      await writeAll(handle, records, segment.bytes)
    } catch (error) {
      // What it did write would look like damage to the next process.
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

  /** Makes sure that what is written, and not acknowledged yet, outlasts a loss of power. */
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
    // The names of new files have to last, too.
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
   * Reads some of the events behind this number; none where there are none on the disk. Where the
   * disk gives back something else than was written, the events that are not log lines come from
   * memory, and a line takes the place of the lines that are lost. Rejects when it can't read.
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

  /** Removes what is acknowledged up to this number, segment by segment. Never fails. */
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

  /** Closes what is open; the files stay. */
  async close(): Promise<void> {
    await Promise.all(this.#segments.map(closeSegment))
  }

  /** Removes everything; nothing may be written any more. */
  async remove(): Promise<void> {
    await this.close()
    this.#segments.length = 0
    this.#addBytes(-this.#bytes)
    await rm(this.#options.folder, { recursive: true, force: true, maxRetries: 3 })
  }

  /** A file that is gone, or that the disk can't give back, is as good as a damaged one. */
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
    const path = join(folder, `${String(this.#made + 1).padStart(8, '0')}.segment`)
    const record = encodeHeader({ version: 2, ...facts, follows, progress })
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const handle = await open(path, 'w', 0o600)
    try {
      await writeAll(handle, record, 0)
    } catch (error) {
      await handle.close()
      throw error
    }
    this.#made += 1
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
