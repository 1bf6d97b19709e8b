import type { CommitEvent } from '../commit-event.ts'
import type { RepositoryId } from '../ids.ts'

/** Where a ref is, when the git server was asked because a telling could be read in two ways. */
export type Found = 'here' | 'elsewhere'

/**
 * A report of a commit event: a webhook, a redelivery or replay of it, the result of a poll. Several may tell
 * of one event, in any order. A poll's `before` is where the ref was known to be when the poll began, '' if
 * nowhere: a guess, since the ref may have moved more than once.
 */
export interface Telling extends CommitEvent {
  readonly found?: Found
}

/** A report that a branch or tag is gone; `here`: it was not found at the git server either. */
export interface GoneTelling {
  readonly repositoryId: RepositoryId
  readonly ref: string
  /** What it pointed at, as told or known; absent: not told. */
  readonly before?: string
  readonly source: 'webhook' | 'poll'
  readonly found?: Found
}

/** Where a ref is, as far as is known. */
export interface Position {
  /** '' if nowhere: never seen, or gone. */
  readonly sha: string
  /** When a webhook told of it; absent: a poll did. Epoch milliseconds. */
  readonly toldAt?: number
}

/** A stored event. */
export interface KnownEvent {
  readonly event: CommitEvent
  /** When its pull request was closed. */
  readonly closedAt?: number
}

/** What is known about a ref when something is told of it. */
export interface RefHistory {
  readonly position: Position
  /** Its events at the commit that is told of, oldest first. */
  readonly known: readonly KnownEvent[]
  /** Whether an event is known at the commit that the telling has as its `before`. */
  readonly knowsBefore: boolean
  /** Whether a later move is known that began at the commit told of, and which nothing has led to yet. */
  readonly hasGap: boolean
  /** Whether a poll saw it move from the telling's `before` to elsewhere, perhaps in several moves. */
  readonly hasSpan: boolean
}

/** What a telling tells of. */
export type Match =
  /** Of a known event. */
  | { readonly kind: 'same'; readonly event: CommitEvent }
  /** Likewise, and of facts that were not known. */
  | { readonly kind: 'completes'; readonly event: CommitEvent }
  /** It depends on where the ref is at the git server; `likely`, if that can't be asked. */
  | { readonly kind: 'unsure'; readonly likely: Found }
  | {
      readonly kind: 'new'
      /** Whether the ref is there now; false: it is told late, or doesn't move the ref. */
      readonly moves: boolean
      /** Whether it is an earlier move than a known one, which it leads to. */
      readonly isLate: boolean
      /** Whether it began where the ref wasn't known to be: an earlier move has not been told of. */
      readonly opensGap: boolean
      /** The ref is there again, but by which move: the one told before, or another, isn't known. */
      readonly isVague?: true
    }
