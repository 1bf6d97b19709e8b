import { sql } from 'kysely'
import { chunkOf, linesOf } from '../../../contract/log/log-chunk.ts'
import type { LogLine } from '../../../contract/rest/views.ts'
import type { LogChunk } from '../../../core/attempt/log-chunk.ts'
import type { AttemptRef } from '../../../core/ids.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import type { LogReader, LogWriter } from '../../ports/logs.ts'
import { LOG_READ_CHARACTERS, type LogAppend, type StoredChunk } from '../../ports/logs.ts'
import { isPostgres } from '../rows.ts'
import type { ChangedIds } from '../state-changes.ts'
import type { Db } from '../tables.ts'
import { type ChunkRow, decodeRow, encodeChunk } from './log-chunk.ts'
import {
  addRedaction,
  findRedactions,
  redactedChunks,
  redactionsOf,
  redactSome,
  stepBefore,
} from './redactions.ts'

export function logReader(db: Db): LogReader {
  return {
    read: (log, from, limit) => readLog(db, log, from, limit),
    readChunks: (log, from) => readLogChunks(db, log, from),
    listRedactions: (log) => findRedactions(db, log),
  }
}

export function logWriter(db: Db, changed: ChangedIds): LogWriter {
  return {
    ...logReader(db),
    append: (log) => appendLog(db, log),
    addRedaction: (log, redaction) => addRedaction(db, log, redaction),
    redactSome: async (log, from) => {
      const next = await redactSome(db, log, from)
      if (next === undefined) changed.add('job', log.jobId)
      return next
    },
  }
}

type Log = AttemptRef

/** The maximum size of chunks in one read, but at least one chunk. */
const MAX_BYTES = 2 * 1024 * 1024
/** The maximum number of rows in one read. */
const MAX_ROWS = 200

async function readLog(db: Db, log: Log, from: number, limit: number): Promise<LogLine[]> {
  const lines: LogLine[] = []
  const end = from + limit
  let characters = 0
  for (let next = from; next < end && characters < LOG_READ_CHARACTERS; ) {
    const chunks = await readLogChunks(db, log, next)
    if (chunks.length === 0) break
    for (const chunk of chunks) {
      if (characters >= LOG_READ_CHARACTERS) break
      const { firstLine, lineCount, step } = chunk
      const first = Math.max(0, next - firstLine)
      for (const [index, line] of linesOf(
        chunk,
        first,
        Math.min(lineCount, end - firstLine),
      ).entries()) {
        lines.push({ number: firstLine + first + index, step, ...line })
        characters += line.text.length
      }
      next = Math.max(next, firstLine + lineCount)
    }
  }
  return lines
}

/**
 * One statement, for a consistent snapshot: rows may be merged concurrently. Chunks that end before
 * `from` are left out.
 */
async function readLogChunks(db: Db, log: Log, from: number): Promise<StoredChunk[]> {
  const rows = await sql<ChunkRow>`
    select first_line as "firstLine", line_count as "lineCount", data
    from log_chunks
    where job_id = ${log.jobId} and attempt = ${log.attempt} and first_line in (
      select first_line from (
        select first_line, sum(size) over (order by first_line) - size as bytes
        from (
          select first_line, length(data) as size from log_chunks
          where job_id = ${log.jobId} and attempt = ${log.attempt} and first_line >= coalesce((
            select max(first_line) from log_chunks
            where job_id = ${log.jobId} and attempt = ${log.attempt} and first_line <= ${from}
          ), 0)
          order by first_line limit ${sql.lit(MAX_ROWS)}
        ) as following
      ) as sizes
      where bytes < ${sql.lit(MAX_BYTES)}
    )
    order by first_line`.execute(db)
  return rows.rows
    .flatMap(decodeRow)
    .filter(({ firstLine, lineCount }) => firstLine + lineCount > from)
}

async function appendLog(db: Db, given: LogAppend): Promise<LogAppend['chunks']> {
  const stored = await db
    .selectFrom('attempts')
    .select(['fence', 'lines', 'last_seq', 'log_bytes', 'redactions'])
    .where('job_id', '=', given.jobId)
    .where('number', '=', given.attempt)
    .$if(isPostgres(db), (query) => query.forNoKeyUpdate())
    .executeTakeFirst()
  const name = `attempt ${given.attempt} of ${given.jobId}`
  if (!stored) throw new NarwhalError('not_found', `${name} does not exist`)
  const log = stored.redactions ? await redactedAppend(db, given, stored.redactions) : given
  if (stored.fence !== log.fence) {
    const message = `the log of ${name} is written under fence ${stored.fence}, not ${log.fence}`
    throw new NarwhalError('conflict', message)
  }
  let next = log.firstLine
  let lines = stored.lines
  for (const chunk of log.chunks) {
    const firstLine = next
    next += chunk.lineCount
    if (next <= stored.lines) continue
    if (firstLine < lines) {
      await insertChunk(db, log, withoutFirst(chunk, lines - firstLine, lines))
      lines = next
      continue
    }
    if (firstLine !== lines) {
      const message = `the log of ${name} continues with line ${lines}, not ${firstLine}`
      throw new NarwhalError('conflict', message)
    }
    await insertChunk(db, log, { ...chunk, firstLine })
    lines = next
  }
  await db
    .updateTable('attempts')
    .set({
      lines,
      last_seq: Math.max(stored.last_seq, log.lastSeq),
      log_bytes: Math.max(stored.log_bytes, log.logBytes ?? 0),
    })
    .where('job_id', '=', log.jobId)
    .where('number', '=', log.attempt)
    .execute()
  return log.chunks
}

/** What is stored of an append to a redacted log. */
async function redactedAppend(db: Db, log: LogAppend, redactions: string): Promise<LogAppend> {
  const before = await stepBefore(db, log, log.firstLine)
  return { ...log, chunks: redactedChunks(log.chunks, redactionsOf(redactions), before) }
}

/** The rest of a chunk whose first lines are stored already. */
function withoutFirst(chunk: LogChunk, count: number, firstLine: number): StoredChunk {
  return { ...chunkOf(chunk.step, linesOf(chunk, count)), firstLine }
}

async function insertChunk(db: Db, log: Log, chunk: StoredChunk): Promise<void> {
  await db
    .insertInto('log_chunks')
    .values({
      job_id: log.jobId,
      attempt: log.attempt,
      first_line: chunk.firstLine,
      line_count: chunk.lineCount,
      data: encodeChunk(chunk),
    })
    .execute()
}
