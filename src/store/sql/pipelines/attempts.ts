import { sql } from 'kysely'
import {
  type Attempt,
  type AttemptResult,
  type AttemptState,
  type Phase,
  resultOf,
  type Step,
  startedAtOf,
} from '../../../core/attempt/attempt.ts'
import type { JobId, RunnerId } from '../../../core/ids.ts'
import type { Outcome } from '../../../core/outcome.ts'
import type { Decision } from '../../../core/placement/placement.ts'
import type { Outputs } from '../../../core/plan/outputs.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { present } from '../../../lib/present.ts'
import { hotQuery } from '../hot-query.ts'
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
    assigned_at: attempt.assignedAt,
    ...stateColumns(attempt),
    decision: JSON.stringify(attempt.decision),
    phases: JSON.stringify(attempt.phases),
    steps: JSON.stringify(attempt.steps),
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

type StateColumns = Pick<
  AttemptRow,
  'status' | 'outcome' | 'reason' | 'started_at' | 'finished_at' | 'outputs'
>

function stateColumns(attempt: Attempt): StateColumns {
  const result: Partial<AttemptResult> = resultOf(attempt) ?? {}
  const { outcome = null, reason = null, finishedAt = null, outputs } = result
  return {
    status: attempt.status,
    outcome,
    reason,
    started_at: startedAtOf(attempt) ?? null,
    finished_at: finishedAt,
    outputs: outputs ? JSON.stringify(outputs) : null,
  }
}

/** What belongs to a status was written together with it. */
function stateOf(row: StateColumns): AttemptState {
  const status = row.status as AttemptState['status']
  switch (status) {
    case 'assigned':
      return { status }
    case 'running':
      return { status, startedAt: row.started_at as number }
    case 'finished':
      return {
        status,
        outcome: row.outcome as Outcome,
        ...present({ reason: row.reason, startedAt: row.started_at }),
        finishedAt: row.finished_at as number,
        ...(row.outputs === null ? {} : { outputs: JSON.parse(row.outputs) as Outputs }),
      }
  }
}

export function attemptOf(row: AttemptRow): Attempt {
  return {
    ...stateOf(row),
    number: row.number,
    runnerId: row.runner_id as RunnerId,
    fence: row.fence,
    ...present({ askedBy: row.asked_by }),
    assignedAt: row.assigned_at,
    decision: JSON.parse(row.decision) as Decision,
    phases: JSON.parse(row.phases) as Phase[],
    steps: JSON.parse(row.steps) as Step[],
    lines: row.lines,
    logBytes: row.log_bytes,
    lastSeq: row.last_seq,
    ...present({ redactedAt: redactedAtOf(row.redactions) }),
  }
}
