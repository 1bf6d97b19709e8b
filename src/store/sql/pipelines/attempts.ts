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
import { jsonOf, parsed } from '../rows.ts'
import type { AttemptRow, Db } from '../tables.ts'
import { redactionsOf } from './redactions.ts'

/**
 * Inserts or updates an attempt and returns the stored one. The count of lines belongs to the log's
 * writer: a stale record must not set it back. The runner's sequence number only grows, unless another
 * runner (another fence) starts counting from scratch.
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
  if (!row)
    throw new NarwhalError('internal', `attempt ${attempt.number} of ${jobId} was not written`)
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

/** When its log was last redacted: readers with an older copy must reload it. */
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
    outputs: jsonOf(outputs),
  }
}

/** The columns of a status were written together with it. */
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
        finishedAt: row.finished_at as number,
        ...present({ reason: row.reason, startedAt: row.started_at }),
        ...present({ outputs: parsed(row.outputs) as Outputs | null }),
      }
  }
}

export function attemptOf(row: AttemptRow): Attempt {
  return {
    ...stateOf(row),
    number: row.number,
    runnerId: row.runner_id as RunnerId,
    fence: row.fence,
    assignedAt: row.assigned_at,
    decision: JSON.parse(row.decision) as Decision,
    phases: JSON.parse(row.phases) as Phase[],
    steps: JSON.parse(row.steps) as Step[],
    lines: row.lines,
    logBytes: row.log_bytes,
    lastSeq: row.last_seq,
    ...present({ askedBy: row.asked_by, redactedAt: redactedAtOf(row.redactions) }),
  }
}
