import { crc32 } from 'node:zlib'
import { type ChunkLine, chunkOf } from '../../contract/log/log-chunk.ts'
import type { AttemptEvent, NumberedEvent } from '../../core/attempt/attempt-event.ts'

/**
 * A record is a head, the length and the CRC-32 of its body (both 4 bytes, little-endian), and the
 * body, whose first character is its kind:
 *
 * - `h` the segment's header, as JSON: the first record of every segment
 * - `e` an event's number, then the event as JSON
 * - `c` an event with a log chunk: a line of text with its properties, then the chunk's bytes
 * - `l` an event with log lines, one line of text for each, as earlier versions wrote it
 */
const HEAD_BYTES = 8
const CHUNK = 0x63
const LINES = 0x6c

const STREAMS = new Map<string, ChunkLine['stream']>([
  ['o', 'stdout'],
  ['e', 'stderr'],
  ['n', 'narwhal'],
])

/** The body of a record, in consecutive parts. */
export type Body = readonly Uint8Array[]

/** Consecutive records with these bodies, in parts: the bodies are not copied. */
export function encodeRecords(bodies: readonly Body[]): Uint8Array[] {
  return bodies.flatMap((body) => {
    const head = Buffer.allocUnsafe(HEAD_BYTES)
    head.writeUInt32LE(lengthOf(body), 0)
    head.writeUInt32LE(
      body.reduce((sum, part) => crc32(part, sum), 0),
      4,
    )
    return [head, ...body]
  })
}

/** The total size of the parts. */
export function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0)
}

export type FoundRecord =
  | { readonly kind: 'record'; readonly body: Buffer; readonly end: number }
  /** The record seems to continue past the end of the buffer: it needs this many bytes. */
  | { readonly kind: 'short'; readonly bytes: number }
  | { readonly kind: 'damaged' }

/** The record in the buffer at this offset. No record is empty: a range of zeros is damage. */
export function findRecord(buffer: Buffer, at: number): FoundRecord {
  if (buffer.length - at < HEAD_BYTES) return { kind: 'short', bytes: HEAD_BYTES }
  const length = buffer.readUInt32LE(at)
  if (length === 0) return { kind: 'damaged' }
  const start = at + HEAD_BYTES
  const end = start + length
  if (end > buffer.length) return { kind: 'short', bytes: HEAD_BYTES + length }
  const body = buffer.subarray(start, end)
  if (crc32(body) !== buffer.readUInt32LE(at + 4)) return { kind: 'damaged' }
  return { kind: 'record', body, end }
}

export function eventToBody({ seq, at, event }: NumberedEvent): Body {
  if (event.type !== 'log') return [Buffer.from(`e${seq} ${JSON.stringify({ at, event })}`)]
  const { step, lineCount, size, packing, content } = event.chunk
  const head = Buffer.from(`c${seq} ${at} ${step} ${lineCount} ${size} ${packing}\n`)
  return [head, content]
}

/** The number of the event in a record's body; 0 if it has none. */
export function seqOf(body: Buffer): number {
  if (isHeader(body)) return 0
  let seq = 0
  for (let at = 1; at < body.length; at++) {
    const digit = (body[at] ?? 0) - 0x30
    if (digit < 0 || digit > 9) break
    seq = seq * 10 + digit
  }
  return seq
}

export const isHeader = (body: Buffer): boolean => body[0] === 0x68
export const isLog = (body: Buffer): boolean => body[0] === CHUNK || body[0] === LINES

/** The event in a record's body that is not a header. */
export function eventOf(body: Buffer): NumberedEvent {
  if (body[0] === CHUNK) return chunkEventOf(body)
  if (body[0] === LINES) return linesEventOf(body)
  const text = body.toString()
  const space = text.indexOf(' ')
  const { at, event } = JSON.parse(text.slice(space)) as { at: number; event: StoredEvent }
  const seq = Number(text.slice(1, space))
  if (event.type !== 'log') return { seq, at, event }
  return { seq, at, event: { type: 'log', chunk: chunkOf(event.step, event.lines) } }
}

function chunkEventOf(body: Buffer): NumberedEvent {
  const end = body.indexOf(10)
  const words = body.toString('latin1', 1, end).split(' ')
  const [seq = 0, at = 0, step = 0, lineCount = 0, size = 0] = words.map(Number)
  const packing = words.at(-1) === 'zstd' ? 'zstd' : 'plain'
  // A copy, so that a chunk in flight doesn't keep the whole read buffer alive.
  const content = Buffer.from(body.subarray(end + 1))
  const chunk = { step, lineCount, size, packing, content, clockOffsetMs: 0 } as const
  return { seq, at, event: { type: 'log', chunk } }
}

function linesEventOf(body: Buffer): NumberedEvent {
  const [first = '', ...rest] = body.toString().split('\n')
  const [seq = 0, at = 0, step = 0] = first.slice(1).split(' ').map(Number)
  let before = at
  const lines = rest.map((line): ChunkLine => {
    const space = line.indexOf(' ')
    before += Number(line.slice(1, space))
    const stream = STREAMS.get(line[0] ?? '') ?? 'narwhal'
    return { at: before, stream, text: line.slice(space + 1) }
  })
  return { seq, at, event: { type: 'log', chunk: chunkOf(step, lines) } }
}

/** Earlier versions wrote lines as JSON if they contained line ends. */
type StoredEvent =
  | Exclude<AttemptEvent, { type: 'log' }>
  | { readonly type: 'log'; readonly step: number; readonly lines: readonly ChunkLine[] }
