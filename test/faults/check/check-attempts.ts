import type { Evidence, FinalJob } from '../evidence.ts'
import type { Breach } from './breach.ts'

export interface AttemptFigures {
  readonly jobs: number
  readonly attempts: number
  readonly withoutOneTerminalStatus: number
  readonly numberGaps: number
  readonly fenceErrors: number
}

/** Each attempt ends once and stays so; attempts are numbered without a gap, under growing fences. */
export function checkAttempts({ changes, pipelines }: Pick<Evidence, 'changes' | 'pipelines'>): {
  figures: AttemptFigures
  breaches: Breach[]
} {
  const jobs = pipelines.flatMap((one) => one.jobs)
  const unended = jobs.flatMap(findUnended)
  const changed = findChangedEnds(changes)
  const gaps = jobs.flatMap(findGaps)
  const fences = jobs.flatMap(findFenceErrors)
  return {
    figures: {
      jobs: jobs.length,
      attempts: jobs.reduce((sum, { attempts }) => sum + attempts.length, 0),
      withoutOneTerminalStatus: unended.length + changed.length,
      numberGaps: gaps.length,
      fenceErrors: fences.length,
    },
    breaches: [
      ...[...unended, ...changed].map((what): Breach => ({ promise: 'attempt-ends', what })),
      ...gaps.map((what): Breach => ({ promise: 'attempt-numbers', what })),
      ...fences.map((what): Breach => ({ promise: 'fences', what })),
    ],
  }
}

function findUnended({ id, attempts }: FinalJob): string[] {
  return attempts
    .filter(({ status, outcome }) => status !== 'finished' || outcome === undefined)
    .map(({ number, status }) => `attempt ${number} of ${id} is ${status} at the end`)
}

/** How an attempt ended must never be written twice and differently. */
function findChangedEnds(changes: Evidence['changes']): string[] {
  const known = new Map<string, string>()
  const found: string[] = []
  for (const { id, seq, ends = {} } of changes) {
    for (const [number, outcome] of Object.entries(ends)) {
      const key = `attempt ${number} of ${id}`
      const before = known.get(key)
      if (before !== undefined && before !== outcome) {
        found.push(`${key} had ended in ${before}, then in ${outcome} (change ${seq})`)
      }
      known.set(key, outcome)
    }
  }
  return found
}

/** An attempt that nobody has been given yet is not among them. */
function findGaps({ id, attempt, attempts }: FinalJob): string[] {
  const numbers = attempts.map(({ number }) => number)
  const isRow = numbers.every((number, index) => number === index + 1)
  const isCurrent = attempt === numbers.length || attempt === numbers.length + 1
  if (isRow && isCurrent) return []
  return [`${id} is at attempt ${attempt} and has the attempts ${numbers.join(', ')}`]
}

function findFenceErrors({ id, fence, attempts }: FinalJob): string[] {
  const fences = attempts.map((one) => one.fence)
  const grows = fences.every((one, index) => one > (fences[index - 1] ?? 0))
  const isNewest = (fences.at(-1) ?? 0) <= fence
  if (grows && isNewest) return []
  return [`${id} gave out the fences ${fences.join(', ')}, the last being ${fence}`]
}
