import type { Evidence, StepRun } from '../evidence.ts'
import type { Breach } from './breach.ts'

/** The clock of the steps has hundredths of a second. */
const CLOCK_MS = 10

export interface OverlapFigures {
  readonly runs: number
  /** Pairs of runs of one job that were there at the same time. */
  readonly overlaps: number
  readonly longestOverlapMs: number
  /** Steps that ran more than once within one attempt. */
  readonly ranTwice: number
}

/** As the steps themselves saw it, no job ran in two places at once, and no attempt ran twice. */
export function checkOverlap({ runs }: Pick<Evidence, 'runs'>): {
  figures: OverlapFigures
  breaches: Breach[]
} {
  const breaches: Breach[] = []
  let [overlaps, longestOverlapMs, ranTwice] = [0, 0, 0]
  for (const ofJob of Map.groupBy(runs, ({ jobId }) => jobId).values()) {
    for (const [one, other] of pairs(ofJob)) {
      if (one.attempt === other.attempt && one.step === other.step) {
        ranTwice += 1
        breaches.push({ promise: 'overlap', what: `${words(one)} ran again: ${words(other)}` })
      }
      const overlapMs = Math.min(one.lastAt, other.lastAt) - Math.max(one.beganAt, other.beganAt)
      if (overlapMs <= CLOCK_MS) continue
      overlaps += 1
      longestOverlapMs = Math.max(longestOverlapMs, overlapMs)
      const what = `${words(one)} and ${words(other)} ran at the same time for ${overlapMs} ms`
      breaches.push({ promise: 'overlap', what })
    }
  }
  return { figures: { runs: runs.length, overlaps, longestOverlapMs, ranTwice }, breaches }
}

function* pairs(runs: readonly StepRun[]): Generator<[StepRun, StepRun]> {
  for (const [index, one] of runs.entries()) {
    for (const other of runs.slice(index + 1)) yield [one, other]
  }
}

function words({ jobId, attempt, step, runner, beganAt, lastAt }: StepRun): string {
  const when = `${Math.round(beganAt)}–${Math.round(lastAt)}`
  return `${jobId} attempt ${attempt} step ${step} on ${runner} (${when})`
}
