import type { z } from 'zod'
import {
  type CommitEvent,
  type EventKind,
  LONGEST_AUTHOR,
  LONGEST_TITLE,
  type TrustFacts,
} from '../core/commit-event.ts'
import type { CommitLookup } from '../core/delivery/commit-lookup.ts'
import type { ForgeAccount } from '../core/stranger/update-bot.ts'
import { NarwhalError } from '../lib/errors.ts'
import { firstLine } from '../lib/hostile-text.ts'
import { present } from '../lib/present.ts'

const MOST_PROBLEMS = 20

/** The repository as the forge names it; trust is decided by the number only. */
export interface WebhookRepository {
  readonly forgeId: number
  readonly fullName: string
  /** The owner's account number, where the forge sends it. */
  readonly ownerId?: number
}

/** What a webhook means to us. */
export type ParsedWebhook =
  | {
      readonly kind: 'commit'
      readonly repository: WebhookRepository
      readonly event: WebhookCommit
    }
  /** Events whose commit the payload doesn't name: it is looked up at the git server. */
  | {
      readonly kind: 'unresolved'
      readonly repository: WebhookRepository
      /** All at one ref. */
      readonly events: readonly [UnresolvedCommit, ...UnresolvedCommit[]]
      readonly lookup: CommitLookup
    }
  /** A pull request was closed: it no longer waits for approval. */
  | {
      readonly kind: 'closed'
      readonly repository: WebhookRepository
      readonly ref: string
      /** The author, if it was merged: no longer a first-time contributor. */
      readonly mergedOf?: number
      /** Absent if the payload lacks what an event needs. */
      readonly event?: WebhookCommit
    }
  /** A branch or tag was deleted; made again, even at the same commit, it is a new event. */
  | {
      readonly kind: 'gone'
      readonly repository: WebhookRepository
      readonly ref: string
      /** What it pointed at, if told. */
      readonly before?: string
    }
  | {
      readonly kind: 'ignored'
      readonly repository?: WebhookRepository
      readonly reason: string
    }

type ToldFields = 'ref' | 'sha' | 'before' | 'stamp' | 'occurrence' | 'title' | 'author' | 'details'

export type WebhookCommit = Pick<CommitEvent, ToldFields> & {
  readonly kind: Exclude<EventKind, 'manual'>
  readonly facts: TrustFacts
  /** The account that caused the event. */
  readonly sender?: ForgeAccount
}

/** An event without its commit. */
export type UnresolvedCommit = Omit<WebhookCommit, 'sha'>

export function commit(repository: WebhookRepository, event: WebhookCommit): ParsedWebhook {
  return { kind: 'commit', repository, event: shortened(event) }
}

export function unresolved(
  repository: WebhookRepository,
  event: UnresolvedCommit,
  lookup: CommitLookup,
): ParsedWebhook {
  return { kind: 'unresolved', repository, events: [shortened(event)], lookup }
}

/** With bounded text. What isn't known of the title and the author is read from the commit when it is planned. */
export function shortened<Event extends UnresolvedCommit>(event: Event): Event {
  const title = firstLine(event.title, LONGEST_TITLE)
  const author = firstLine(event.author, LONGEST_AUTHOR)
  const { sender } = event
  // Account names are short at every forge; a longer one is not genuine.
  const named = sender && { ...sender, name: firstLine(sender.name, LONGEST_AUTHOR) }
  return { ...event, title, author, ...present({ sender: named }) }
}

export function ignored(repository: WebhookRepository | undefined, reason: string): ParsedWebhook {
  return { kind: 'ignored', ...present({ repository }), reason }
}

/** Parses the payload; throws `invalid`, listing every problem by its path. */
export function read<T>(schema: z.ZodType<T>, eventName: string, payload: unknown): T {
  const result = schema.safeParse(payload)
  if (result.success) return result.data
  const problems = result.error.issues.map(
    ({ path, message }) => `${path.join('.') || 'the payload'}: ${message}`,
  )
  throw malformed(eventName, problems)
}

export function malformed(eventName: string, problems: readonly string[]): NarwhalError {
  const shown = problems.slice(0, MOST_PROBLEMS).join('; ')
  return new NarwhalError('invalid', `the ${eventName} payload is malformed: ${shown}`)
}
