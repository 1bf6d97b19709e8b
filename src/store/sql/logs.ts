import type { LogLine } from '../../contract/views.ts'
import type { JobId } from '../../core/ids.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { decodeChunk, encodeLines } from './log-chunk.ts'
import { isPostgres } from './rows.ts'
import type { Db } from './tables.ts'

interface Log {
  readonly jobId: JobId
  readonly attempt: number
}

export async function readLog(db: Db, log: Log, from: number, limit: number): Promise<LogLine[]> {
  const chunks = await db
    .selectFrom('log_chunks')
    .select(['first_line as firstLine', 'line_count as lineCount', 'data'])
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
  const lines: LogLine[] = []
  for (const chunk of chunks) {
    for (const line of decodeChunk(chunk)) {
      if (line.number >= from && line.number < from + limit) lines.push(line)
    }
  }
  return lines
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
