import type { RunnerId } from '../ids.ts'

/** An attempt that was placed, as far as it tells how long jobs take. */
export interface PastPlacement {
  readonly runnerId: RunnerId
  /** What is alike takes alike long: the repository and the job's name. */
  readonly kind: string
  readonly assignedAt: number
  /** Absent while it runs. */
  readonly finishedAt?: number | undefined
  readonly outcome?: string | undefined
}

/** A runner that is online, as far as it tells who can have its slots. */
export interface SlotsOfRunner {
  readonly id: RunnerId
  readonly labels: readonly string[]
  readonly slots: number
}

/** A job that waits for a slot. */
export interface WaitingForSlot {
  readonly kind: string
  /** What its runner must have. */
  readonly labels: readonly string[]
}

export interface ExpectedStartFacts {
  /** Epoch milliseconds. */
  readonly now: number
  readonly runners: readonly SlotsOfRunner[]
  /** Newest first. */
  readonly placements: readonly PastPlacement[]
}

/** When a slot is free next; undefined: that can't be told. */
interface Slot {
  readonly labels: ReadonlySet<string>
  freeAt: number | undefined
}

/**
 * When each of the waiting jobs will start, if all take as long as their like did lately and slots
 * go to them in order, each to the first that may have it by its labels: epoch milliseconds, or
 * undefined where nothing like what runs has run before. The jobs are in the order of the queue.
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

/** The middle one of how long each kind's successful attempts took. */
function usualDurations(placements: readonly PastPlacement[]): ReadonlyMap<string, number> {
  const all = new Map<string, number[]>()
  for (const { kind, assignedAt, finishedAt, outcome } of placements) {
    if (finishedAt === undefined || outcome !== 'success') continue
    const known = all.get(kind) ?? []
    known.push(finishedAt - assignedAt)
    all.set(kind, known)
  }
  return new Map(
    [...all].map(([kind, durations]) => {
      const inOrder = durations.toSorted((a, b) => a - b)
      return [kind, inOrder[inOrder.length >> 1] ?? 0]
    }),
  )
}
