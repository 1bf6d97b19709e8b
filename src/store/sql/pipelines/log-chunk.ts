import { chunkOf } from '../../../contract/log/log-chunk.ts'
import { pushSigned, pushVarint, VarintReader } from '../../../contract/log/varint.ts'
import type { LogLine } from '../../../contract/rest/views.ts'
import type { LogChunk } from '../../../core/attempt/log-chunk.ts'
import type { StoredChunk } from '../../ports/logs.ts'

/** The first byte of a row's data is its format. */
const FORMS = { plain: 1, zstd: 2 } as const satisfies Record<LogChunk['packing'], number>
/** `[`: JSON, as earlier versions wrote it. */
const JSON_FORM = 0x5b
/** A line in that format. */
type JsonLine = [step: number, at: number, stream: LogLine['stream'], text: string]

/** A row's data: the format, the step, size and clock offset as varints, and the content. */
export function encodeChunk(chunk: LogChunk): Uint8Array {
  const head: number[] = [FORMS[chunk.packing]]
  pushVarint(head, chunk.step)
  pushVarint(head, chunk.size)
  pushSigned(head, chunk.clockOffsetMs)
  return Buffer.concat([Uint8Array.from(head), chunk.content])
}

export interface ChunkRow {
  readonly firstLine: number
  readonly lineCount: number
  readonly data: Uint8Array
}

/** The chunk of a row; several if an earlier version put lines of several steps in one row. */
export function decodeRow(row: ChunkRow): StoredChunk[] {
  const data = Buffer.from(row.data.buffer, row.data.byteOffset, row.data.byteLength)
  if (data[0] === JSON_FORM) return decodeJson(row.firstLine, data)
  const reader = new VarintReader(data, 1)
  const step = reader.next()
  const size = reader.next()
  const clockOffsetMs = reader.nextSigned()
  const packing = data[0] === FORMS.zstd ? 'zstd' : 'plain'
  const content = data.subarray(reader.at)
  const { firstLine, lineCount } = row
  return [{ firstLine, lineCount, step, size, packing, content, clockOffsetMs }]
}

function decodeJson(firstLine: number, data: Buffer): StoredChunk[] {
  const lines = JSON.parse(data.toString()) as JsonLine[]
  const chunks: StoredChunk[] = []
  for (let start = 0; start < lines.length; ) {
    const step = lines[start]?.[0] ?? 0
    const end = lines.findIndex(([other], index) => index > start && other !== step)
    const some = lines.slice(start, end < 0 ? lines.length : end)
    const chunk = chunkOf(
      step,
      some.map(([, at, stream, text]) => ({ at, stream, text })),
    )
    chunks.push({ ...chunk, firstLine: firstLine + start })
    start += some.length
  }
  return chunks
}
