import { sql } from 'kysely'
import type { Attempt, Phase, Step } from '../../../core/attempt/attempt.ts'
import type { JobId, RunnerId } from '../../../core/ids.ts'
import type { Outcome } from '../../../core/outcome.ts'
import type { Decision } from '../../../core/placement/placement.ts'
import type { Outputs } from '../../../core/plan/outputs.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { hotQuery } from '../hot-query.ts'
import { present } from '../rows.ts'
import type { AttemptRow, Db } from '../tables.ts'
import { redactionsOf } from './redactions.ts'

/**
 * Writes an attempt, new or changed, and returns it as it is now. The count of lines belongs to the
 * log's writer: a record that was read earlier must not set it back. The runner's sequence number
 * only grows, unless another runner (another fence) begins to count anew.
 */
export async function saveAttempt(db: Db, jobId: JobId, attempt: Attempt): Promise<Attempt> {
  const { rows } = await upsertAttempt(db, {
    job_id: jobId,
    number: attempt.number,
    runner_id: attempt.runnerId,
    fence: attempt.fence,
    asked_by: attempt.askedBy ?? null,
    status: attempt.status,
    outcome: attempt.outcome ?? null,
    reason: attempt.reason ?? null,
    assigned_at: attempt.assignedAt,
    started_at: attempt.startedAt ?? null,
    finished_at: attempt.finishedAt ?? null,
    decision: JSON.stringify(attempt.decision),
    phases: JSON.stringify(attempt.phases),
    steps: JSON.stringify(attempt.steps),
    outputs: attempt.outputs ? JSON.stringify(attempt.outputs) : null,
    lines: attempt.lines,
    log_bytes: attempt.logBytes,
    last_seq: attempt.lastSeq,
  })
  const [row] = rows
  if (!row) throw new NarwhalError('internal', `attempt ${attempt.number} of ${jobId} was not kept`)
  return attemptOf(row)
}

const upsertAttempt = hotQuery((db, row: Omit<AttemptRow, 'redactions'>) => {
  const changing = {
    runner_id: row.runner_id,
    fence: row.fence,
    asked_by: row.asked_by,
    status: row.status,
    outcome: row.outcome,
    reason: row.reason,
    assigned_at: row.assigned_at,
    started_at: row.started_at,
    finished_at: row.finished_at,
    decision: row.decision,
    phases: row.phases,
    steps: row.steps,
    outputs: row.outputs,
  }
  const { job_id, number, lines, log_bytes, last_seq } = row
  return db
    .insertInto('attempts')
    .values({ job_id, number, ...changing, lines, log_bytes, last_seq, redactions: null })
    .onConflict((conflict) =>
      conflict.columns(['job_id', 'number']).doUpdateSet({
        ...changing,
        last_seq: sql`case
          when attempts.fence = excluded.fence and attempts.last_seq > excluded.last_seq
          then attempts.last_seq else excluded.last_seq end`,
      }),
    )
    .returningAll()
})

/** When its log was redacted last: only from then on those who look at it need look again. */
function redactedAtOf(redactions: string | null): number | null {
  return redactionsOf(redactions).findLast(({ sha256 }) => sha256 !== undefined)?.at ?? null
}

export function attemptOf(row: AttemptRow): Attempt {
  return {
    number: row.number,
    runnerId: row.runner_id as RunnerId,
    fence: row.fence,
    ...present({ askedBy: row.asked_by }),
    status: row.status as Attempt['status'],
    ...present({ outcome: row.outcome as Outcome | null, reason: row.reason }),
    assignedAt: row.assigned_at,
    ...present({ startedAt: row.started_at, finishedAt: row.finished_at }),
    decision: JSON.parse(row.decision) as Decision,
    phases: JSON.parse(row.phases) as Phase[],
    steps: JSON.parse(row.steps) as Step[],
    ...(row.outputs === null ? {} : { outputs: JSON.parse(row.outputs) as Outputs }),
    lines: row.lines,
    logBytes: row.log_bytes,
    lastSeq: row.last_seq,
    ...present({ redactedAt: redactedAtOf(row.redactions) }),
  }
}
