import type { Evidence, FaultRecord, StepRun } from '../evidence.ts'
import type { FaultKind } from '../kinds.ts'

/** A step that beats every 100 ms was surely running if its last sign is so young. */
const FRESH_MS = 300

/** How long it took after each fault until all was as before, in milliseconds, by the fault's kind. */
export function measureRecovery(evidence: Evidence): ReadonlyMap<string, readonly number[]> {
  const times = new Map<string, number[]>()
  for (const fault of evidence.faults) {
    const found = measure(fault, evidence)
    if (found.length > 0) times.set(fault.kind, [...(times.get(fault.kind) ?? []), ...found])
  }
  return times
}

const MEASURES: Readonly<
  Partial<Record<FaultKind, (fault: FaultRecord, evidence: Evidence) => readonly number[]>>
> = {
  'kill-runner': untilRunningElsewhere,
  'pause-runner': untilRunningElsewhere,
  'kill-dispatcher': untilTakenOver,
  'stop-dispatcher': untilTakenOver,
  'kill-agent': untilReady,
  'stop-agent': untilReady,
  'kill-web': untilReady,
  'stop-web': untilReady,
}

function measure(fault: FaultRecord, evidence: Evidence): readonly number[] {
  const own = MEASURES[fault.kind]
  return own ? own(fault, evidence) : untilNextChange(fault.healedAt, evidence)
}

/** For each job that ran there: from the fault to the first beat of its next attempt. */
function untilRunningElsewhere(fault: FaultRecord, { runs, cancels }: Evidence): readonly number[] {
  const hit = runs.filter((run) => run.runner === fault.target && wasRunning(run, fault))
  return hit.flatMap((run) => {
    if (cancels.some(({ id }) => id === run.jobId)) return []
    const next = runs.find(({ jobId, attempt }) => jobId === run.jobId && attempt > run.attempt)
    return next && next.beganAt > fault.at ? [next.beganAt - fault.at] : []
  })
}

function wasRunning({ beganAt, lastAt, ended }: StepRun, { at }: FaultRecord): boolean {
  return beganAt <= at && lastAt >= at - FRESH_MS && !(ended && lastAt <= at)
}

/**
 * For each pipeline of the dispatcher that died: from its death until another one, or its next life,
 * has it. Where nobody says whose a pipeline is: until any of those that were open went on.
 */
function untilTakenOver(fault: FaultRecord, evidence: Evidence): readonly number[] {
  const { owners } = evidence
  if (!owners.some(({ owner }) => owner !== undefined)) return untilNextChange(fault.at, evidence)
  return [...Map.groupBy(owners, ({ pipelineId }) => pipelineId).values()].flatMap((all) => {
    const before = all.findLast(({ seenAt }) => seenAt <= fault.at)
    if (before?.owner !== fault.target || isOver(before.pipelineId, fault, evidence)) return []
    const next = all.find(({ seenAt, term }) => seenAt > fault.at && term > before.term)
    return next ? [next.seenAt - fault.at] : []
  })
}

function isOver(pipelineId: string, { at }: FaultRecord, { changes }: Evidence): boolean {
  return changes.some(
    ({ id, status, seenAt }) => id === pipelineId && status === 'finished' && seenAt <= at,
  )
}

function untilReady(fault: FaultRecord, evidence: Evidence): readonly number[] {
  const next = evidence.lives.find(
    ({ name, readyAt }) => name === fault.target && readyAt !== undefined && readyAt > fault.at,
  )
  return next?.readyAt === undefined ? [] : [next.readyAt - fault.at]
}

/** From a moment at which something was open to the next change of anything. */
function untilNextChange(at: number, { changes, deliveries }: Evidence): readonly number[] {
  const told = new Set(
    deliveries
      .filter((one) => one.result === 'acked' && one.answeredAt < at)
      .map(({ move }) => move),
  )
  const over = new Set(
    changes
      .filter((one) => one.kind === 'pipeline' && one.status === 'finished' && one.seenAt < at)
      .map(({ id }) => id),
  )
  if (told.size <= over.size) return []
  const next = changes.find(({ seenAt }) => seenAt > at)
  return next ? [next.seenAt - at] : []
}
