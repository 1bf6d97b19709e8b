import type { LogLine } from '../../contract/views.ts'
import type { JobId } from '../../core/ids.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { LOG_READ_CHARACTERS } from '../store.ts'
import { decodeChunk, encodeLines } from './log-chunk.ts'
import { isPostgres } from './rows.ts'
import type { Db } from './tables.ts'

interface Log {
  readonly jobId: JobId
  readonly attempt: number
}

/** So many bytes of chunks are in memory at a time, but one chunk at least. */
const MOST_BYTES = 4 * 1024 * 1024

interface ChunkSize {
  readonly firstLine: number
  readonly bytes: number
}

export async function readLog(db: Db, log: Log, from: number, limit: number): Promise<LogLine[]> {
  const sizes = await listChunkSizes(db, log, from, limit)
  const lines: LogLine[] = []
  let characters = 0
  for (const [first, last] of within(sizes, MOST_BYTES)) {
    const chunks = await db
      .selectFrom('log_chunks')
      .select(['first_line as firstLine', 'line_count as lineCount', 'data'])
      .where('job_id', '=', log.jobId)
      .where('attempt', '=', log.attempt)
      .where('first_line', '>=', first)
      .where('first_line', '<=', last)
      .orderBy('first_line')
      .execute()
    for (const chunk of chunks) {
      for (const line of decodeChunk(chunk)) {
        if (line.number < from || line.number >= from + limit) continue
        lines.push(line)
        characters += line.text.length
      }
    }
    if (characters >= LOG_READ_CHARACTERS) break
  }
  return lines
}

/** The chunks that have the wanted lines. */
function listChunkSizes(db: Db, log: Log, from: number, limit: number): Promise<ChunkSize[]> {
  return (
    db
      .selectFrom('log_chunks')
      .select((is) => [
        'first_line as firstLine',
        is.cast<number>(is.fn('length', ['data']), 'integer').as('bytes'),
      ])
      .where('job_id', '=', log.jobId)
      .where('attempt', '=', log.attempt)
      // From the chunk that `from` is in: the last that begins at or before it.
      .where('first_line', '>=', (select) =>
        select
          .selectFrom('log_chunks')
          .select((is) => is.fn.coalesce(is.fn.max('first_line'), is.val(0)).as('first_line'))
          .where('job_id', '=', log.jobId)
          .where('attempt', '=', log.attempt)
          .where('first_line', '<=', from),
      )
      .where('first_line', '<', from + limit)
      .orderBy('first_line')
      // No chunk is empty, so there are never more of them than lines; one more, as the first may
      // begin earlier.
      .limit(limit + 1)
      .execute()
  )
}

/** First and last lines of rows of chunks that have no more bytes than this, or are one chunk. */
function* within(sizes: readonly ChunkSize[], most: number): Generator<[number, number]> {
  for (let start = 0; start < sizes.length; ) {
    let end = start
    let bytes = sizes[start]?.bytes ?? 0
    while (end + 1 < sizes.length && bytes + (sizes[end + 1]?.bytes ?? 0) <= most) {
      end++
      bytes += sizes[end]?.bytes ?? 0
    }
    yield [sizes[start]?.firstLine ?? 0, sizes[end]?.firstLine ?? 0]
    start = end + 1
  }
}

export async function appendLog(
  db: Db,
  log: Log & { readonly fence: number; readonly lastSeq: number },
  lines: readonly LogLine[],
): Promise<void> {
  const stored = await db
    .selectFrom('attempts')
    .select(['fence', 'lines', 'last_seq'])
    .where('job_id', '=', log.jobId)
    .where('number', '=', log.attempt)
    .$if(isPostgres(db), (query) => query.forNoKeyUpdate())
    .executeTakeFirst()
  const name = `attempt ${log.attempt} of ${log.jobId}`
  if (!stored) throw new NarwhalError('not_found', `there is no ${name}`)
  if (stored.fence !== log.fence) {
    const message = `the log of ${name} is written under fence ${stored.fence}, not ${log.fence}`
    throw new NarwhalError('conflict', message)
  }
  const fresh = lines.filter((line) => line.number >= stored.lines)
  for (const [index, line] of fresh.entries()) {
    const expected = stored.lines + index
    if (line.number === expected) continue
    const message = `the log of ${name} goes on with line ${expected}, not ${line.number}`
    throw new NarwhalError('conflict', message)
  }
  for (const { firstLine, lineCount, data } of encodeLines(fresh)) {
    await db
      .insertInto('log_chunks')
      .values({
        job_id: log.jobId,
        attempt: log.attempt,
        first_line: firstLine,
        line_count: lineCount,
        data,
      })
      .execute()
  }
  await db
    .updateTable('attempts')
    .set({
      lines: stored.lines + fresh.length,
      last_seq: Math.max(stored.last_seq, log.lastSeq),
    })
    .where('job_id', '=', log.jobId)
    .where('number', '=', log.attempt)
    .execute()
}
