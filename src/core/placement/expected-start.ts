import type { RunnerId } from '../ids.ts'

/** A past attempt, to estimate how long jobs take. */
export interface PastPlacement {
  readonly runnerId: RunnerId
  /** Repository and job name: jobs of one kind take about the same time. */
  readonly kind: string
  readonly assignedAt: number
  /** Absent while it runs. */
  readonly finishedAt?: number | undefined
  readonly outcome?: string | undefined
}

/** An online runner, with what decides who can use its slots. */
export interface SlotsOfRunner {
  readonly id: RunnerId
  readonly labels: readonly string[]
  readonly slots: number
}

export interface WaitingForSlot {
  readonly kind: string
  readonly labels: readonly string[]
}

export interface ExpectedStartFacts {
  /** Epoch milliseconds. */
  readonly now: number
  readonly runners: readonly SlotsOfRunner[]
  /** Newest first. */
  readonly placements: readonly PastPlacement[]
}

/** `freeAt` undefined: unknown. */
interface Slot {
  readonly labels: ReadonlySet<string>
  freeAt: number | undefined
}

/**
 * Estimates when each waiting job will start (epoch milliseconds), assuming that jobs take as long as recent
 * ones of their kind, and that slots go to them in queue order by labels. Undefined if a job of a kind that
 * never ran before is in the way.
 */
export function expectedStarts(
  jobs: readonly WaitingForSlot[],
  { now, runners, placements }: ExpectedStartFacts,
): (number | undefined)[] {
  const usual = usualDurations(placements)
  const running = Map.groupBy(
    placements.filter(({ finishedAt }) => finishedAt === undefined),
    ({ runnerId }) => runnerId,
  )
  const slots = runners.flatMap((runner): Slot[] => {
    const labels = new Set(runner.labels)
    const ends = (running.get(runner.id) ?? []).map(({ kind, assignedAt }) => {
      const duration = usual.get(kind)
      return duration === undefined ? undefined : Math.max(now, assignedAt + duration)
    })
    const free = Array.from({ length: Math.max(0, runner.slots - ends.length) }, () => now)
    return [...free, ...ends].map((freeAt) => ({ labels, freeAt }))
  })
  return jobs.map(({ kind, labels }) => {
    const slot = firstFree(slots.filter((one) => labels.every((label) => one.labels.has(label))))
    const startAt = slot?.freeAt
    const duration = usual.get(kind)
    if (slot) {
      slot.freeAt = startAt === undefined || duration === undefined ? undefined : startAt + duration
    }
    return startAt
  })
}

function firstFree(slots: readonly Slot[]): Slot | undefined {
  let first: Slot | undefined
  for (const slot of slots) {
    if (!first || (slot.freeAt ?? Infinity) < (first.freeAt ?? Infinity)) first = slot
  }
  return first
}

/** The median duration of each kind's successful attempts. */
function usualDurations(placements: readonly PastPlacement[]): ReadonlyMap<string, number> {
  const all = new Map<string, number[]>()
  for (const { kind, assignedAt, finishedAt, outcome } of placements) {
    if (finishedAt === undefined || outcome !== 'success') continue
    const durations = all.get(kind) ?? []
    durations.push(finishedAt - assignedAt)
    all.set(kind, durations)
  }
  return new Map(
    [...all].map(([kind, durations]) => {
      const inOrder = durations.toSorted((a, b) => a - b)
      return [kind, inOrder[inOrder.length >> 1] ?? 0]
    }),
  )
}
