import { requestOf } from './forges.ts'
import type { EventId, RepositoryId } from './ids.ts'
import type { StrangerReason } from './stranger/stranger-reason.ts'

/** What made the event: a push to a branch, a pull request's head, a tag, or a person. */
export const EVENT_KINDS = ['push', 'pull_request', 'tag', 'manual'] as const
export type EventKind = (typeof EVENT_KINDS)[number]

/** Where an event was learnt from: a webhook, the poller, or a person. */
export const EVENT_SOURCES = ['webhook', 'poll', 'manual'] as const
export type EventSource = (typeof EVENT_SOURCES)[number]

/**
 * Facts that the forge has signed, or that were looked up; trust is decided from these and from
 * nothing else. Repositories and accounts are the forge's numbers; what was not told is absent.
 */
export interface TrustFacts {
  /** The account that sent the commit; of a pull request its author. */
  readonly actorId?: number
  /** The account that made the event, where that is another one. */
  readonly senderId?: number
  /** The repository that the event is told for. */
  readonly repositoryId?: number
  /** The repository that the head commit lives in. */
  readonly headRepositoryId?: number
  /** The repository that a pull request wants into. */
  readonly baseRepositoryId?: number
  /** The head of a pull request as told: the short name of a branch, where it is one. */
  readonly headRef?: string
  readonly headLabel?: string
  /** The forge says that the pull request came by another way than a branch. */
  readonly flow?: true
  /** Which branch or tag of the remote had the commit when that was looked up. */
  readonly seenAt?: string
}

/** Those facts, and what was decided from them. */
export interface Trust extends TrustFacts {
  /** It is a stranger's, and why; absent: it is known to be the repository's own people's. */
  readonly stranger?: StrangerReason
}

/** What is known of an event besides the commit: what it may be planned by, and how it came. */
export interface EventDetails {
  /** Where the ref was before, or the commit that a pull request wants to be merged into. */
  readonly base?: string
  /** The branch that a pull request wants into. */
  readonly targetBranch?: string
  /** What the person gave who started it, as text. */
  readonly inputs?: Readonly<Record<string, string>>
  /** The jobs that were asked for, by their names in the file; absent: all. */
  readonly jobs?: readonly string[]
  /** When its webhook arrived, or a poll saw it: epoch milliseconds of the agent's clock. */
  readonly toldAt?: number
  /** The trace that the webhook is part of, as `parseTraceparent` takes it. */
  readonly traceparent?: string
  /** The step that it begins with: its name, or `job/step`; absent: from the beginning. */
  readonly from?: string
}

/** So much of a title and of an author's name is kept. */
export const LONGEST_TITLE = 500
export const LONGEST_AUTHOR = 200

/** A commit that Narwhal has accepted and answers for. */
export interface CommitEvent {
  readonly id: EventId
  readonly repositoryId: RepositoryId
  readonly kind: EventKind
  /** The full ref name, such as `refs/heads/main`, `refs/tags/v1` or `refs/pull/7/head`. */
  readonly ref: string
  /** The commit's object name: 40 or 64 hexadecimal digits. */
  readonly sha: string
  /** The first line of the commit message or the pull request's title; hostile text. */
  readonly title: string
  /** The author's display name; hostile text, never a ground for trust. */
  readonly author: string
  readonly trust: Trust
  /** What is left out is not known. */
  readonly details?: EventDetails
  readonly source: EventSource
  /** Epoch milliseconds. */
  readonly receivedAt: number
}

/**
 * What makes two reports the same commit event: a redelivery, a replay under another delivery id
 * and a poll that sees the same head all have the same key. A run by hand is always a new event.
 */
export function semanticKey(
  event: Pick<CommitEvent, 'id' | 'kind' | 'repositoryId' | 'ref' | 'sha'>,
): string {
  const commit = `${event.repositoryId} ${event.ref} ${event.sha}`
  return event.kind === 'manual' ? `${commit} ${event.id}` : commit
}

const SHA = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/

/** Whether the text is a full object name; anything shorter is ambiguous, anything else is hostile. */
export function isSha(text: string): boolean {
  return SHA.test(text)
}

/** Whether the object name is the all-zero one, by which forges say "this ref is gone". */
export function isZeroSha(sha: string): boolean {
  return /^0+$/.test(sha)
}

// git check-ref-format(1), rules 1 to 10, without those for a single level.
const FORBIDDEN_IN_REF = /[\0-\x20\x7f-\x9f~^:?*[\\]|\.\.|@\{|\/\/|\/\.|\.lock(?:\/|$)|\.$|\/$/ // oxlint-disable-line no-control-regex

// git takes these, but they turn or hide what stands around them on a screen.
const HIDING = /[\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/

/** Whether the text is a full, well-formed ref name that neither git nor a reader can misread. */
export function isRef(text: string): boolean {
  if (text.length > 1024 || !text.startsWith('refs/')) return false
  return !FORBIDDEN_IN_REF.test(text) && !HIDING.test(text)
}

/** A ref as people say it: `main`, `v1`, `#7`, `!7`. */
export function shortRef(ref: string): string {
  const request = requestOf(ref)
  if (request) return `${request.sign}${request.number}`
  return ref.replace(/^refs\/(?:heads|tags)\//, '')
}
