/** An attempt that was placed, as far as it tells how long jobs take. */
export interface PastPlacement {
  /** What is alike takes alike long: the repository and the job's name. */
  readonly kind: string
  readonly assignedAt: number
  /** Absent while it runs. */
  readonly finishedAt?: number | undefined
  readonly outcome?: string | undefined
}

export interface ExpectedStartFacts {
  /** Epoch milliseconds. */
  readonly now: number
  /** The slots of all runners that are online. */
  readonly slots: number
  /** Newest first. */
  readonly placements: readonly PastPlacement[]
}

/**
 * When each of the waiting jobs will start, if all take as long as their like did lately and slots
 * go to them in order: epoch milliseconds, or undefined where nothing like what runs has run before.
 * `kinds` are those of the jobs in the order of the queue.
 */
export function expectedStarts(
  kinds: readonly string[],
  { now, slots, placements }: ExpectedStartFacts,
): (number | undefined)[] {
  const usual = usualDurations(placements)
  const running = placements.filter(({ finishedAt }) => finishedAt === undefined)
  const ends = running.map(({ kind, assignedAt }): number | undefined => {
    const duration = usual.get(kind)
    return duration === undefined ? undefined : Math.max(now, assignedAt + duration)
  })
  const free: (number | undefined)[] = [
    ...Array.from({ length: Math.max(0, slots - running.length) }, () => now),
    ...ends,
  ]
  return kinds.map((kind) => {
    free.sort((a, b) => (a ?? Number.MAX_VALUE) - (b ?? Number.MAX_VALUE))
    const startAt = free.shift()
    const duration = usual.get(kind)
    free.push(startAt === undefined || duration === undefined ? undefined : startAt + duration)
    return startAt
  })
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
