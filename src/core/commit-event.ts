import type { EVENT_ACTIONS, EventAction } from './event-actions.ts'
import { requestOf } from './forges.ts'
import type { EventId, RepositoryId } from './ids.ts'
import type { RequestFacts } from './request-facts.ts'
import type { StrangerReason } from './stranger/stranger-reason.ts'

/**
 * What caused the event: a push to a branch, a pull request, a tag, a group of a merge queue, a published
 * release, or a manual start.
 */
export const EVENT_KINDS = [
  'push',
  'pull_request',
  'tag',
  'merge_group',
  'release',
  'manual',
] as const satisfies readonly (keyof typeof EVENT_ACTIONS)[]
export type EventKind = (typeof EVENT_KINDS)[number]

/** How an event arrived: by webhook, by polling, or by a manual start. */
export const EVENT_SOURCES = ['webhook', 'poll', 'manual'] as const
export type EventSource = (typeof EVENT_SOURCES)[number]

/**
 * Facts that the forge signed or that we looked up; trust is decided from these alone. Repositories and
 * accounts are the forge's numbers; unknown ones are absent.
 */
export interface TrustFacts {
  /** The account that pushed the commit; for a pull request its author. */
  readonly actorId?: number
  /** The account that caused the event, if it is another one. */
  readonly senderId?: number
  /** The repository that the event was reported for. */
  readonly repositoryId?: number
  /** The repository of the head commit. */
  readonly headRepositoryId?: number
  /** The target repository of a pull request. */
  readonly baseRepositoryId?: number
  /** The head of a pull request as reported: a branch's short name, if it is a branch. */
  readonly headRef?: string
  readonly headLabel?: string
  /** The forge says that the pull request wasn't created from a branch. */
  readonly flow?: true
  /** The branch or tag of the remote that contained the commit when looked up. */
  readonly seenAt?: string
}

/** The facts, and the decision made from them. */
export interface Trust extends TrustFacts {
  /** Why the commit counts as a stranger's; absent: it is known to be by the repository's own people. */
  readonly stranger?: StrangerReason
}

/** What is known about an event besides the commit; absent fields are unknown. */
export interface EventDetails {
  /** The ref's previous commit, or the target commit of a pull request. */
  readonly base?: string
  /** What happened to a pull request, a merge group or a release; the most important first. */
  readonly actions?: readonly EventAction[]
  /** Only the jobs that name this action are run; see `Selection`. */
  readonly part?: EventAction
  /** The target branch of a pull request or a merge group. */
  readonly targetBranch?: string
  /** Of a pull request. */
  readonly request?: RequestFacts
  /** The inputs of a manual start, as text. */
  readonly inputs?: Readonly<Record<string, string>>
  /** The requested jobs, by name; absent: all. */
  readonly jobs?: readonly string[]
  /** When its webhook arrived or polling found it: epoch milliseconds by the agent's clock. */
  readonly toldAt?: number
  /** The webhook's trace context; see `parseTraceparent`. */
  readonly traceparent?: string
  /** A later move of its ref was known when it was told: it supersedes nothing. */
  readonly isLate?: true
  /** The step to begin at: its name, or `job/step`; absent: the first. */
  readonly from?: string
}

export const LONGEST_TITLE = 500
export const LONGEST_AUTHOR = 200

/** A commit that Narwhal has accepted and is responsible for. */
export interface CommitEvent {
  readonly id: EventId
  readonly repositoryId: RepositoryId
  readonly kind: EventKind
  /** The full ref name, such as `refs/heads/main`, `refs/tags/v1` or `refs/pull/7/head`. */
  readonly ref: string
  /** The commit's object name: 40 or 64 hexadecimal digits. */
  readonly sha: string
  /** What the ref pointed at before, as told: an object name, or '' if it was created; absent: not known. */
  readonly before?: string
  /** When it happened, as the forge tells it of pushes: compared for equality only. */
  readonly stamp?: string
  /**
   * For what doesn't move the ref (a reopening, a label): the action, and what tells two of them apart.
   * Absent: the event is the move of the ref itself.
   */
  readonly occurrence?: string
  /** The first line of the commit message or the pull request's title; hostile text. */
  readonly title: string
  /** The author's display name; hostile text, never used to decide trust. */
  readonly author: string
  readonly trust: Trust
  readonly details?: EventDetails
  readonly source: EventSource
  /** Epoch milliseconds. */
  readonly receivedAt: number
}

/** The same for all events of one ref. */
export function refKey(repositoryId: RepositoryId, ref: string): string {
  return `${repositoryId} ${ref}`
}

/**
 * The same for events of one ref at one commit, among which `matchTelling` finds the one that is told of.
 * A manual start is always a new event.
 */
export function semanticKey(
  event: Pick<CommitEvent, 'id' | 'kind' | 'repositoryId' | 'ref' | 'sha'>,
): string {
  const commit = `${refKey(event.repositoryId, event.ref)} ${event.sha}`
  return event.kind === 'manual' ? `${commit} ${event.id}` : commit
}

const SHA = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/

/** Whether the text is a full object name; abbreviations are ambiguous. */
export function isSha(text: string): boolean {
  return SHA.test(text)
}

/** Whether the object name is all zeros, which forges send for a deleted ref. */
export function isZeroSha(sha: string): boolean {
  return /^0+$/.test(sha)
}

// git check-ref-format(1), rules 1 to 10, without those for a single level.
const FORBIDDEN_IN_REF = /[\0-\x20\x7f-\x9f~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(?:\/|$)|\.$|\/$/ // oxlint-disable-line no-control-regex

// git allows these, but they reorder or hide the text around them on a screen.
const HIDING = /[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/

/** Whether the text is a full, well-formed ref name that neither git nor a reader can misread. */
export function isRef(text: string): boolean {
  if (text.length > 1024 || !text.startsWith('refs/')) return false
  return !FORBIDDEN_IN_REF.test(text) && !HIDING.test(text)
}

/** A ref for display: `main`, `v1`, `#7`, `!7`. */
export function shortRef(ref: string): string {
  const request = requestOf(ref)
  if (request) return `${request.sign}${request.number}`
  return ref.replace(/^refs\/(?:heads|tags)\//, '')
}

/** The placeholder ref of a manual start that named only a commit. */
export const BARE_COMMIT_REF = 'refs/heads/HEAD'

/** Where an event's commit was, for people: the ref's short name, or the commit itself if no ref was named. */
export function placeOf({ kind, ref, sha }: Pick<CommitEvent, 'kind' | 'ref' | 'sha'>): string {
  return kind === 'manual' && ref === BARE_COMMIT_REF ? sha.slice(0, 10) : shortRef(ref)
}
