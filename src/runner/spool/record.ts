import { crc32 } from 'node:zlib'
import type { AttemptEvent, NumberedEvent } from '../../contract/attempt.ts'
import type { SentLine } from '../../contract/rpc.ts'

/**
 * A record is a head, the length and the CRC-32 of its body (both little-endian, 4 bytes), and the
 * body: UTF-8 text whose first character says its kind.
 *
 * - `h` what of the attempt must be known, as JSON: the first record of every segment
 * - `e` an event as JSON, behind its number
 * - `l` an event with log lines, behind its number, one line of text for each. It is written and
 *   read several times as fast as JSON, and a log is nearly all that there is to write.
 */
const HEAD_BYTES = 8

const LETTERS = { stdout: 'o', stderr: 'e', narwhal: 'n' } as const satisfies Record<
  SentLine['stream'],
  string
>
const STREAMS = new Map<string, SentLine['stream']>([
  ['o', 'stdout'],
  ['e', 'stderr'],
  ['n', 'narwhal'],
])

/** The texts as records, one behind the other. */
export function encodeRecords(texts: readonly string[]): Buffer {
  const bodies = texts.map((text) => Buffer.from(text))
  const size = bodies.reduce((sum, { length }) => sum + HEAD_BYTES + length, 0)
  const buffer = Buffer.allocUnsafe(size)
  let at = 0
  for (const body of bodies) {
    buffer.writeUInt32LE(body.length, at)
    buffer.writeUInt32LE(crc32(body), at + 4)
    at += HEAD_BYTES
    body.copy(buffer, at)
    at += body.length
  }
  return buffer
}

export type FoundRecord =
  | { readonly kind: 'record'; readonly body: Buffer; readonly end: number }
  /** The record goes on behind the buffer's end, or seems to: it takes so many bytes. */
  | { readonly kind: 'short'; readonly bytes: number }
  | { readonly kind: 'damaged' }

/** What is in the buffer at this place. No record is empty: a stretch of zeros is damage. */
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

export function eventToText({ seq, at, event }: NumberedEvent): string {
  const isPlain = event.type === 'log' && !event.lines.some(({ text }) => text.includes('\n'))
  if (!isPlain) return `e${seq} ${JSON.stringify({ at, event })}`
  let text = `l${seq} ${at} ${event.step}`
  let before = at
  for (const line of event.lines) {
    text += `\n${LETTERS[line.stream]}${line.at - before} ${line.text}`
    before = line.at
  }
  return text
}

/** The number of the event in a record's body; 0 where it is none. */
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
export const isLog = (body: Buffer): boolean => body[0] === 0x6c

/** The event in a record's body, which `seqOf` says is one. */
export function eventOf(body: Buffer): NumberedEvent {
  const text = body.toString()
  if (!isLog(body)) {
    const space = text.indexOf(' ')
    const { at, event } = JSON.parse(text.slice(space)) as { at: number; event: AttemptEvent }
    return { seq: Number(text.slice(1, space)), at, event }
  }
  const [first = '', ...rest] = text.split('\n')
  const [seq = 0, at = 0, step = 0] = first.slice(1).split(' ').map(Number)
  let before = at
  const lines = rest.map((line): SentLine => {
    const space = line.indexOf(' ')
    before += Number(line.slice(1, space))
    const stream = STREAMS.get(line[0] ?? '') ?? 'narwhal'
    return { at: before, stream, text: line.slice(space + 1) }
  })
  return { seq, at, event: { type: 'log', step, lines } }
}
