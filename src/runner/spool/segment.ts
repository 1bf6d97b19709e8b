import { type FileHandle, open } from 'node:fs/promises'
import { z } from 'zod'
import { jobId } from '../../contract/rest/views.ts'
import { encodeRecords, findRecord, isHeader } from './record.ts'

/**
 * A file with a range of an attempt's events. It begins with a header, so that it can be read after
 * the segments before it have been acknowledged and removed.
 */
export interface Segment {
  readonly path: string
  /** The number of its last event, or while it has none, of the last event before it. */
  lastSeq: number
  /** The valid size; what follows is a failed write. */
  bytes: number
  /** Open while it is written or not yet synced. */
  handle?: FileHandle | undefined
  /** Whether a power cut could still lose it. */
  isUnsynced?: boolean
}

const count = z.number().int().nonnegative()

export const segmentHeader = z.object({
  version: z.literal(2),
  jobId,
  attempt: count,
  fence: count,
  steps: count,
  instanceId: z.string(),
  /** The number of the last event in the previous segment; 0: this is the first. */
  follows: count,
  /** The attempt's progress before this segment's first event. */
  progress: z.object({
    isStarted: z.boolean(),
    latest: count.optional(),
    open: z.array(count).readonly(),
    ended: z.array(count).readonly(),
    isFinished: z.boolean(),
  }),
})
export type SegmentHeader = z.infer<typeof segmentHeader>

export const encodeHeader = (header: SegmentHeader): Uint8Array[] =>
  encodeRecords([[Buffer.from(`h${JSON.stringify(header)}`)]])

/** Undefined if the body is not a header that this version knows. */
export function headerOf(body: Buffer | undefined): SegmentHeader | undefined {
  if (!body || !isHeader(body)) return undefined
  try {
    return segmentHeader.parse(JSON.parse(body.toString('utf8', 1)))
  } catch {
    return undefined
  }
}

const CHUNK_BYTES = 256 * 1024

export interface Chunk {
  readonly bodies: readonly Buffer[]
  /** Where the next chunk begins. */
  readonly end: number
  /** Whether the data at `end` is not a valid record. */
  readonly isDamaged: boolean
}

/** Reads whole records of a file from an offset, at least one if there is one before `to`. */
export async function readChunk(path: string, from: number, to: number): Promise<Chunk> {
  await using file = await open(path, 'r')
  let size = CHUNK_BYTES
  for (;;) {
    const buffer = await readAll(file, from, Math.min(from + size, to))
    const bodies: Buffer[] = []
    let at = 0
    let found = findRecord(buffer, at)
    for (; found.kind === 'record' && at < buffer.length; found = findRecord(buffer, at)) {
      bodies.push(found.body)
      at = found.end
    }
    const end = from + at
    if (found.kind === 'damaged') return { bodies, end, isDamaged: true }
    const isWhole = from + buffer.length >= to || buffer.length < size
    if (isWhole) return { bodies, end, isDamaged: end < to }
    if (bodies.length > 0) return { bodies, end, isDamaged: false }
    // A record larger than a chunk, or an invalid length: then the file ends first.
    size = found.kind === 'short' ? Math.max(found.bytes, size + 1) : size
  }
}

async function readAll(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.max(0, to - from))
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, from + length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return buffer.subarray(0, length)
}

/** Writes all of the parts at this offset, in as many calls as the system needs. */
export async function writeAll(
  file: FileHandle,
  parts: readonly Uint8Array[],
  at: number,
): Promise<void> {
  let left = parts
  for (let end = at; left.length > 0; ) {
    const { bytesWritten } = await file.writev(left, end)
    end += bytesWritten
    left = withoutFirst(left, bytesWritten)
  }
}

/** The parts without their first `bytes` bytes. Drops leading empty parts, too. */
function withoutFirst(parts: readonly Uint8Array[], bytes: number): readonly Uint8Array[] {
  let skipped = bytes
  const whole = parts.findIndex(({ length }) => {
    if (length > skipped) return true
    skipped -= length
    return false
  })
  if (whole < 0) return []
  const [first, ...rest] = parts.slice(whole)
  return first && skipped > 0 ? [first.subarray(skipped), ...rest] : parts.slice(whole)
}
