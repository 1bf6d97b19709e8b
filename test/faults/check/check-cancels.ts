import { HEARTBEAT_MS, LEASE_MS } from '../../../src/core/attempt/lease.ts'
import type { Cancel, Evidence } from '../evidence.ts'
import type { Breach } from './breach.ts'

/** A runner that can't be reached stops by itself before its lease ends; then it takes a moment. */
export const STOP_WITHIN_MS = LEASE_MS + HEARTBEAT_MS + 3_000

export interface CancelFigures {
  readonly acked: number
  readonly revivals: number
  /** From the question to the answer, each, in milliseconds. */
  readonly ackMs: readonly number[]
  /** From the answer to the last sign of the job, each, in milliseconds. */
  readonly stopMs: readonly number[]
}

/** What was acknowledged as cancelled is cancelled at the end, and its steps stopped soon. */
export function checkCancels(evidence: Pick<Evidence, 'cancels' | 'pipelines' | 'runs'>): {
  figures: CancelFigures
  breaches: Breach[]
} {
  const acked = evidence.cancels.filter(({ result }) => result === 'acked')
  const breaches: Breach[] = []
  const stopMs: number[] = []
  for (const cancel of acked) {
    const outcome = outcomeOf(cancel, evidence)
    if (outcome !== 'cancelled') {
      const what = `${cancel.id} was acknowledged as cancelled and is ${outcome ?? 'open'} at the end`
      breaches.push({ promise: 'revivals', what })
    }
    for (const run of runsOf(cancel, evidence)) {
      const lateMs = run.lastAt - cancel.answeredAt
      if (lateMs > 0) stopMs.push(lateMs)
      if (lateMs <= STOP_WITHIN_MS) continue
      const what = `${run.jobId} still ran ${Math.round(lateMs)} ms after its cancel was acknowledged`
      breaches.push({ promise: 'revivals', what })
    }
  }
  const ackMs = acked.map(({ askedAt, answeredAt }) => answeredAt - askedAt)
  return { figures: { acked: acked.length, revivals: breaches.length, ackMs, stopMs }, breaches }
}

function outcomeOf({ kind, id }: Cancel, { pipelines }: Pick<Evidence, 'pipelines'>) {
  if (kind === 'pipeline') return pipelines.find((one) => one.id === id)?.outcome
  return pipelines.flatMap(({ jobs }) => jobs).find((job) => job.id === id)?.outcome
}

/** Those that had not ended when the answer came. */
function runsOf({ kind, id }: Cancel, { pipelines, runs }: Pick<Evidence, 'pipelines' | 'runs'>) {
  const pipeline = kind === 'pipeline' ? pipelines.find((one) => one.id === id) : undefined
  const jobs = new Set(pipeline ? pipeline.jobs.map((job) => job.id) : [id])
  return runs.filter(({ jobId }) => jobs.has(jobId))
}
