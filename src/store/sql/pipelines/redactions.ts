import { sql } from 'kysely'
import { packChunk } from '../../../contract/log/log-chunk.ts'
import type { LogChunk } from '../../../core/attempt/log-chunk.ts'
import { type Redaction, redactionInWords, redactionOf } from '../../../core/attempt/redaction.ts'
import type { AttemptRef } from '../../../core/ids.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import type { StoredChunk } from '../../ports/logs.ts'
import { isPostgres } from '../rows.ts'
import type { Db } from '../tables.ts'
import { type ChunkRow, decodeRow, encodeChunk } from './log-chunk.ts'

/** Rows rewritten in one transaction. */
const STEP_ROWS = 20

export async function findRedactions(db: Db, log: AttemptRef): Promise<readonly Redaction[]> {
  const row = await db
    .selectFrom('attempts')
    .select('redactions')
    .where('job_id', '=', log.jobId)
    .where('number', '=', log.attempt)
    .executeTakeFirst()
  return redactionsOf(row?.redactions)
}

export function redactionsOf(json: string | null | undefined): readonly Redaction[] {
  return json ? (JSON.parse(json) as Redaction[]) : []
}

/** Locks the attempt against concurrent appends to its log, which then see the redaction. */
export async function addRedaction(db: Db, log: AttemptRef, redaction: Redaction): Promise<void> {
  const row = await db
    .selectFrom('attempts')
    .select('redactions')
    .where('job_id', '=', log.jobId)
    .where('number', '=', log.attempt)
    .$if(isPostgres(db), (query) => query.forNoKeyUpdate())
    .executeTakeFirst()
  if (!row) {
    throw new NarwhalError('not_found', `there is no attempt ${log.attempt} of ${log.jobId}`)
  }
  // Replaces the same redaction, of which more is known by now.
  const others = redactionsOf(row.redactions).filter(
    ({ by, at }) => by !== redaction.by || at !== redaction.at,
  )
  await db
    .updateTable('attempts')
    .set({ redactions: JSON.stringify([...others, redaction]) })
    .where('job_id', '=', log.jobId)
    .where('number', '=', log.attempt)
    .execute()
}

/**
 * Replaces the text of some chunks, starting at this line; returns the line to continue with, or
 * undefined at the end. Line numbers are addresses and stay the same: the first line of a step says that
 * it was redacted, the others are empty.
 */
export async function redactSome(
  db: Db,
  log: AttemptRef,
  from: number,
): Promise<number | undefined> {
  const redactions = await findRedactions(db, log)
  const { rows } = await sql<ChunkRow>`
    select first_line as "firstLine", line_count as "lineCount", data from log_chunks
    where job_id = ${log.jobId} and attempt = ${log.attempt} and first_line >= ${from}
    order by first_line limit ${sql.lit(STEP_ROWS)}`.execute(db)
  const last = rows.at(-1)
  if (!last) return undefined
  let before = await stepBefore(db, log, from)
  // Otherwise SQLite leaves the old text in freed pages.
  const wipes = !isPostgres(db)
  if (wipes) await sql`pragma secure_delete = on`.execute(db)
  try {
    for (const row of rows) {
      const chunks = decodeRow(row)
      const left = redactedChunks(chunks, redactions, before)
      before = chunks.at(-1)?.step ?? before
      // A row is replaced as a whole: it may have chunks of several steps, which become separate rows.
      if (left.some((chunk, index) => chunk !== chunks[index])) await replaceRow(db, log, left)
    }
  } finally {
    if (wipes) await sql`pragma secure_delete = off`.execute(db)
  }
  return last.firstLine + last.lineCount
}

/** The first of the chunks replaces the row that had them all. */
async function replaceRow(db: Db, log: AttemptRef, chunks: readonly StoredChunk[]): Promise<void> {
  for (const chunk of chunks) {
    await db
      .insertInto('log_chunks')
      .values({
        job_id: log.jobId,
        attempt: log.attempt,
        first_line: chunk.firstLine,
        line_count: chunk.lineCount,
        data: encodeChunk(chunk),
      })
      .onConflict((conflict) =>
        conflict.columns(['job_id', 'attempt', 'first_line']).doUpdateSet((is) => ({
          data: is.ref('excluded.data'),
          line_count: is.ref('excluded.line_count'),
        })),
      )
      .execute()
  }
}

/** The step of the line before this one. */
export async function stepBefore(
  db: Db,
  log: AttemptRef,
  line: number,
): Promise<number | undefined> {
  const { rows } = await sql<ChunkRow>`
    select first_line as "firstLine", line_count as "lineCount", data from log_chunks
    where job_id = ${log.jobId} and attempt = ${log.attempt} and first_line < ${line}
    order by first_line desc limit 1`.execute(db)
  return rows.flatMap(decodeRow).at(-1)?.step
}

/** Redacts chunks of redacted steps. `stepBefore`: the step of the line before the first chunk. */
export function redactedChunks<Chunk extends LogChunk>(
  chunks: readonly Chunk[],
  redactions: readonly Redaction[],
  stepBefore: number | undefined,
): Chunk[] {
  let before = stepBefore
  return chunks.map((chunk) => {
    const isFirst = chunk.step !== before
    before = chunk.step
    const redaction = redactionOf(redactions, chunk.step)
    if (!redaction || chunk.lineCount === 0) return chunk
    const words = isFirst ? redactionInWords(redaction) : ''
    const { step, lineCount } = chunk
    const runs = [{ count: lineCount, stream: 'narwhal', at: redaction.at }] as const
    return {
      ...chunk,
      ...packChunk({ step, runs, text: Buffer.from(words + '\n'.repeat(lineCount)) }),
    }
  })
}
