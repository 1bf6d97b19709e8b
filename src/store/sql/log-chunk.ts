import type { LogLine } from '../../contract/views.ts'

/** Lines as one chunk keeps them: JSON, in which hostile text is escaped and comes back unchanged. */
type StoredLine = [step: number, at: number, stream: LogLine['stream'], text: string]

/** A chunk is read as a whole, so it has at most this many lines and about as many characters. */
const MOST_LINES = 1000
const MOST_CHARACTERS = 256 * 1024

/** Lines that are kept together, encoded; the numbers of all follow from the first. */
export interface LogChunk {
  readonly firstLine: number
  readonly lineCount: number
  readonly data: Uint8Array
}

/** Encodes lines whose numbers follow one another; a line longer than a chunk has its own. */
export function encodeLines(lines: readonly LogLine[]): LogChunk[] {
  const chunks: LogChunk[] = []
  let start = 0
  let characters = 0
  for (const [index, line] of lines.entries()) {
    characters += line.text.length
    const next = lines[index + 1]
    const isFull =
      index + 1 - start >= MOST_LINES || characters + (next?.text.length ?? 0) > MOST_CHARACTERS
    if (next && !isFull) continue
    chunks.push(encodeChunk(lines.slice(start, index + 1)))
    start = index + 1
    characters = 0
  }
  return chunks
}

function encodeChunk(lines: readonly LogLine[]): LogChunk {
  const stored = lines.map(({ step, at, stream, text }): StoredLine => [step, at, stream, text])
  return {
    firstLine: lines[0]?.number ?? 0,
    lineCount: lines.length,
    data: Buffer.from(JSON.stringify(stored)),
  }
}

export function decodeChunk(chunk: LogChunk): LogLine[] {
  const { buffer, byteOffset, byteLength } = chunk.data
  const text = Buffer.from(buffer, byteOffset, byteLength).toString('utf8')
  return (JSON.parse(text) as StoredLine[]).map(([step, at, stream, text], index) => ({
    number: chunk.firstLine + index,
    step,
    at,
    stream,
    text,
  }))
}
