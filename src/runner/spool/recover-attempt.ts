import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { NumberedEvent } from '../../core/attempt/attempt-event.ts'
import type { AttemptFacts, LeftSegments } from './attempt-files.ts'
import { advance, NOTHING_YET, type Progress } from './progress.ts'
import { eventOf, isHeader, isLog, seqOf } from './record.ts'
import { headerOf, readChunk, type Segment } from './segment.ts'

/** What a previous process left of an attempt, up to the first damage. */
export interface LeftAttempt extends LeftSegments {
  readonly facts: AttemptFacts
  readonly progress: Progress
  readonly lastSeq: number
  /** Whether damaged or missing records followed; they are skipped. */
  readonly isDamaged: boolean
}

const SEGMENT = /^\d{8}\.segment$/

/** Reads an attempt's folder; undefined if it has no valid header. */
export async function recoverAttempt(folder: string): Promise<LeftAttempt | undefined> {
  const names = (await readdir(folder)).filter((name) => SEGMENT.test(name)).toSorted()
  const scan = new Scan()
  for (const name of names) if (!(await scan.add(join(folder, name)))) break
  return scan.result()
}

/** Goes through the segments in order, up to the first damage. */
class Scan {
  readonly #segments: Segment[] = []
  readonly #milestones: NumberedEvent[] = []
  #facts: AttemptFacts | undefined
  #progress = NOTHING_YET
  #lastSeq = 0
  #isDamaged = false

  result(): LeftAttempt | undefined {
    if (!this.#facts) return undefined
    return {
      facts: this.#facts,
      progress: this.#progress,
      lastSeq: this.#lastSeq,
      isDamaged: this.#isDamaged && !this.#progress.isFinished,
      segments: this.#segments,
      milestones: this.#milestones,
    }
  }

  /** False if the segments after this one must be ignored. */
  async add(path: string): Promise<boolean> {
    const { size } = await stat(path)
    // Created, but not written before the process died.
    if (size === 0) return false
    let chunk = await readChunk(path, 0, size)
    const header = headerOf(chunk.bodies[0])
    if (!header || (this.#facts && header.follows !== this.#lastSeq)) {
      this.#isDamaged = true
      return false
    }
    if (!this.#facts) {
      this.#facts = header
      this.#progress = header.progress
      this.#lastSeq = header.follows
    }
    for (;;) {
      for (const body of chunk.bodies) this.#addRecord(body)
      if (chunk.isDamaged || chunk.end >= size) break
      chunk = await readChunk(path, chunk.end, size)
    }
    this.#segments.push({ path, lastSeq: this.#lastSeq, bytes: chunk.end })
    this.#isDamaged = chunk.isDamaged
    return !chunk.isDamaged
  }

  #addRecord(body: Buffer): void {
    if (isHeader(body)) return
    this.#lastSeq = seqOf(body)
    if (isLog(body)) return
    const event = eventOf(body)
    this.#milestones.push(event)
    this.#progress = advance(this.#progress, event.event)
  }
}
