import type { CommitEvent } from '../commit-event.ts'
import type { GoneTelling, Match, RefHistory, Telling } from './telling.ts'

/**
 * For how long a poll that sees a ref at a former commit is not believed after a webhook told of another: a
 * replica of the git server may be behind. Milliseconds.
 */
export const REPLICA_LAG_MS = 60_000

const REOPENED = 'reopened'

/**
 * Matches a telling to an event. An event is a move of a ref: two moves to one commit are two events, and
 * whatever tells of one move, in whatever order, is one. See docs/adr/0067.
 */
export function matchTelling(telling: Telling, history: RefHistory): Match {
  if (telling.kind === 'manual') {
    // Written again because the answer to the first write was lost.
    const [written] = history.known
    return written ? { kind: 'same', event: written.event } : aside()
  }
  if (telling.occurrence !== undefined) return matchOccurrence(telling, history)
  return telling.source === 'poll' ? matchPoll(telling, history) : matchMove(telling, history)
}

/** What doesn't move its ref is told apart by what happened. */
function matchOccurrence(telling: Telling, { known }: RefHistory): Match {
  const { occurrence = '' } = telling
  const same = known.find(
    ({ event, closedAt }) =>
      event.occurrence === occurrence && !(occurrence === REOPENED && closedAt !== undefined),
  )
  if (same) return { kind: 'same', event: same.event }
  if (!occurrence.startsWith(REOPENED)) return aside()
  const polled = known.findLast(({ event, closedAt }) => isPolled(event) && closedAt === undefined)
  return polled
    ? { kind: 'completes', event: polled.event }
    : { kind: 'new', moves: true, isLate: false, opensGap: false }
}

function matchPoll(telling: Telling, { position, known }: RefHistory): Match {
  const newest = known.findLast(({ event }) => hasMoved(event))?.event
  if (newest) {
    const movedMeanwhile = position.sha !== telling.before
    if (position.sha === telling.sha || movedMeanwhile) return { kind: 'same', event: newest }
    const { toldAt } = position
    const mayLag = toldAt !== undefined && telling.receivedAt < toldAt + REPLICA_LAG_MS
    if (mayLag) return { kind: 'unsure', likely: 'elsewhere' }
  }
  const moves = position.sha === telling.before
  return { kind: 'new', moves, isLate: false, opensGap: false }
}

function matchMove(telling: Telling, history: RefHistory): Match {
  const here = history.known
    .map(({ event }) => event)
    .filter((event) => hasMoved(event) && agreesOnTarget(event, telling))
  const polled = polledBefore(here, telling, history.position.sha)
  if (polled) return { kind: 'completes', event: polled }
  const { before } = telling
  const mayBe = here.filter((event) => !isProvenOther(event, telling))
  const same = mayBe.findLast((event) => before !== undefined && event.before === before)
  if (same) return settle(telling, history, same)
  const vague = mayBe.findLast((event) => before === undefined || event.before === undefined)
  return vague ? settle(telling, history, vague) : arrive(telling, history)
}

/**
 * A move that was told before: told again, or made again. Unless the forge says when, the payload doesn't say;
 * made again it can be only if the ref isn't known to be there.
 */
function settle(telling: Telling, history: RefHistory, event: CommitEvent): Match {
  const { sha } = history.position
  const { before, found, stamp } = telling
  const isReplay = stamp !== undefined && stamp === event.stamp
  if (isReplay || sha === telling.sha || found === 'elsewhere') {
    return before !== undefined && event.before === undefined
      ? { kind: 'completes', event }
      : { kind: 'same', event }
  }
  if (found === 'here') {
    return { kind: 'new', moves: true, isLate: false, opensGap: false, isVague: true }
  }
  return { kind: 'unsure', likely: sha === before ? 'here' : 'elsewhere' }
}

/** A new event, which is late if a later move is known that began where this one ends. */
function arrive(telling: Telling, history: RefHistory): Match {
  const { position, knowsBefore, hasGap, hasSpan } = history
  const { before, found } = telling
  const follows = position.sha === before
  // Told late, or back to where that move began.
  if (hasGap && follows && found === undefined) return { kind: 'unsure', likely: 'elsewhere' }
  const isLate = found !== 'here' && (follows ? hasGap && found === 'elsewhere' : hasGap || hasSpan)
  return {
    kind: 'new',
    moves: !isLate,
    isLate,
    opensGap: before !== undefined && (isLate ? before !== '' && !knowsBefore : !follows),
  }
}

function aside(): Match {
  return { kind: 'new', moves: false, isLate: false, opensGap: false }
}

/**
 * Among events that only polls have told of, the one with the same start; else the oldest, unless the ref is
 * where the telling says it came from.
 */
function polledBefore(
  here: readonly CommitEvent[],
  { before }: Telling,
  position: string,
): CommitEvent | undefined {
  const polled = here.filter(isPolled)
  const same = polled.find((event) => event.before === before)
  return same ?? (position === before ? undefined : polled[0])
}

function isPolled({ source }: CommitEvent): boolean {
  return source === 'poll'
}

/** Whether the event says where its ref was. */
function hasMoved({ kind, occurrence }: CommitEvent): boolean {
  return kind !== 'manual' && (occurrence === undefined || occurrence.startsWith(REOPENED))
}

/** A pull request with another target is another event. */
function agreesOnTarget(event: CommitEvent, telling: CommitEvent): boolean {
  const [one, other] = [event.details?.targetBranch, telling.details?.targetBranch]
  return one === undefined || other === undefined || one === other
}

function isProvenOther({ stamp }: CommitEvent, telling: CommitEvent): boolean {
  return stamp !== undefined && telling.stamp !== undefined && stamp !== telling.stamp
}

/** Whether a ref is gone by what is told; `closesGap`: it was, before a later, known creation. */
export type GoneMatch = 'gone' | 'stays' | 'closesGap' | 'unsure'

export function matchGone(
  { before, source, found }: GoneTelling,
  { position, hasGap }: Pick<RefHistory, 'position' | 'hasGap'>,
): GoneMatch {
  if (position.sha === '') return 'stays'
  if (position.sha === before) return 'gone'
  if (source === 'poll') return 'stays'
  if (hasGap) return 'closesGap'
  if (before === undefined || found === 'here') return 'gone'
  return found === 'elsewhere' ? 'stays' : 'unsure'
}
