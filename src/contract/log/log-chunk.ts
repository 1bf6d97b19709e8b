import { promisify } from 'node:util'
import { constants, zstdCompressSync, zstdDecompress, zstdDecompressSync } from 'node:zlib'
import type { LogChunk } from '../../core/attempt/log-chunk.ts'
import type { LogLine } from '../rest/views.ts'
import { encodeRuns, type LogContent, type LogRun, readContent } from './log-content.ts'
import { ZstdLanes } from './zstd-lane.ts'

/** A line without its number and step. */
export type ChunkLine = Pick<LogLine, 'at' | 'stream' | 'text'>

/** Below this size packing isn't worth it: a live line or two. */
const LEAST_PACKED = 512
/** A window smaller than a chunk halves the memory at little cost in ratio. */
const PACKING = { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_windowLog]: 17 }

const lanes = new ZstdLanes(PACKING)
const unzstd = promisify(zstdDecompress)

/** Unpacked lines of one step; the text is UTF-8 with `\n` after each line. */
export interface LooseLines {
  readonly step: number
  readonly runs: readonly LogRun[]
  readonly text: Uint8Array
}

export function packChunk(lines: LooseLines): LogChunk {
  const parts = partsOf(lines)
  const plain = chunkOfParts(lines, parts, { packing: 'plain', content: Buffer.concat(parts) })
  if (plain.size < LEAST_PACKED) return plain
  // A large output chunk size: concatenating many small buffers would cost more.
  const options = { params: PACKING, chunkSize: Math.max(1024, plain.size >> 2) }
  const content = zstdCompressSync(plain.content, options)
  return content.length < plain.size ? { ...plain, packing: 'zstd', content } : plain
}

/**
 * The same off the event loop, for bulk packing. The text must not change until it resolves; the result
 * doesn't share its memory.
 */
export async function packChunkAsync(lines: LooseLines): Promise<LogChunk> {
  const parts = partsOf(lines)
  const content = await lanes.compress(parts)
  const packed = chunkOfParts(lines, parts, { packing: 'zstd', content })
  if (content.length < packed.size) return packed
  return { ...packed, packing: 'plain', content: Buffer.concat(parts) }
}

const partsOf = ({ runs, text }: LooseLines): [runs: Uint8Array, text: Uint8Array] => [
  encodeRuns(runs),
  text,
]

function chunkOfParts(
  { step, runs }: LooseLines,
  parts: readonly Uint8Array[],
  packed: Pick<LogChunk, 'packing' | 'content'>,
): LogChunk {
  const lineCount = runs.reduce((sum, { count }) => sum + count, 0)
  const size = parts.reduce((sum, { length }) => sum + length, 0)
  return { step, lineCount, size, clockOffsetMs: 0, ...packed }
}

/** Packs a few single lines; a line end within a text becomes U+2424. */
export function chunkOf(step: number, lines: readonly ChunkLine[]): LogChunk {
  const runs = lines.map(({ stream, at }): LogRun => ({ count: 1, stream, at }))
  const text = lines.map((line) => `${line.text.replaceAll('\n', '\u2424')}\n`).join('')
  return packChunk({ step, runs: joinRuns(runs), text: Buffer.from(text) })
}

/** Merges adjacent runs of the same stream and time. */
export function joinRuns(runs: Iterable<LogRun>): LogRun[] {
  const joined: LogRun[] = []
  for (const run of runs) {
    const last = joined.at(-1)
    if (last && last.stream === run.stream && last.at === run.at) {
      joined[joined.length - 1] = { ...last, count: last.count + run.count }
    } else {
      joined.push(run)
    }
  }
  return joined
}

/** Unpacks a chunk. If its bytes are damaged, the result has the same number of lines, which say so. */
export function openChunk(chunk: LogChunk): LogContent {
  const { packing, content } = chunk
  try {
    return read(chunk, packing === 'zstd' ? zstdDecompressSync(content, bound(chunk)) : content)
  } catch {
    return damaged(chunk)
  }
}

/** The same off the event loop, for opening many. */
export async function openChunkAsync(chunk: LogChunk): Promise<LogContent> {
  if (chunk.packing === 'plain') return openChunk(chunk)
  try {
    return read(chunk, await unzstd(chunk.content, bound(chunk)))
  } catch {
    return damaged(chunk)
  }
}

/** Guards against decompression bombs: at most the declared size, into one buffer. */
function bound({ size }: LogChunk): { maxOutputLength: number; chunkSize: number } {
  return { maxOutputLength: Math.max(1, size), chunkSize: size + 64 }
}

function read({ size }: LogChunk, bytes: Uint8Array): LogContent {
  if (bytes.length !== size) throw new RangeError(`a chunk has ${bytes.length} bytes, not ${size}`)
  return readContent(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
}

const DAMAGED = 'a line of this log is damaged: its bytes are not what the runner sent'

function damaged({ lineCount }: LogChunk): LogContent {
  const runs = [{ count: lineCount, stream: 'narwhal', at: 0 }] as const
  return { runs, text: Buffer.from(`${DAMAGED}\n`.repeat(lineCount)) }
}

/** The lines of a chunk, or of a range of it: always as many as declared. */
export function linesOf(chunk: LogChunk, from = 0, to = chunk.lineCount): ChunkLine[] {
  const { lineCount, clockOffsetMs } = chunk
  const { runs, text } = openChunk(chunk)
  const texts = text.toString().split('\n')
  texts.pop()
  const lines: ChunkLine[] = []
  let index = 0
  for (const { count, stream, at } of runs) {
    const end = Math.min(index + count, texts.length, to)
    for (let n = Math.max(index, from); n < end; n++) {
      lines.push({ at: at + clockOffsetMs, stream, text: texts[n] ?? '' })
    }
    index += count
    if (index >= to) break
  }
  const at = (runs.at(-1)?.at ?? 0) + clockOffsetMs
  const wanted = Math.max(0, Math.min(to, lineCount) - from)
  while (lines.length < wanted) lines.push({ at, stream: 'narwhal', text: DAMAGED })
  return lines
}
