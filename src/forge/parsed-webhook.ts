import type { z } from 'zod'
import {
  type CommitEvent,
  LONGEST_AUTHOR,
  LONGEST_TITLE,
  shortRef,
  type TrustFacts,
} from '../core/commit-event.ts'
import type { ForgeAccount } from '../core/stranger/update-bot.ts'
import { NarwhalError } from '../lib/errors.ts'
import { firstLine } from '../lib/hostile-text.ts'
import { present } from '../lib/present.ts'

const MOST_PROBLEMS = 20

/** The repository as the forge names it; only the number is a ground for trust. */
export interface WebhookRepository {
  readonly forgeId: number
  readonly fullName: string
  /** The owner's number, where the forge tells it. */
  readonly ownerId?: number
}

/** What a webhook means to us: a commit to build, or nothing, with the reason in words. */
export type ParsedWebhook =
  | {
      readonly kind: 'commit'
      readonly repository: WebhookRepository
      readonly event: WebhookCommit
    }
  /** A pull request was closed: nobody need approve it any more. */
  | {
      readonly kind: 'closed'
      readonly repository: WebhookRepository
      readonly ref: string
      /** Whose it was, if it was merged: no newcomer any more. */
      readonly mergedOf?: number
    }
  | {
      readonly kind: 'ignored'
      readonly repository?: WebhookRepository
      readonly reason: string
    }

/** What a webhook tells of a commit event. */
export type WebhookCommit = Pick<CommitEvent, 'ref' | 'sha' | 'title' | 'author' | 'details'> & {
  readonly kind: 'push' | 'pull_request' | 'tag'
  readonly facts: TrustFacts
  /** The account that made the event. */
  readonly sender?: ForgeAccount
}

export function commit(repository: WebhookRepository, event: WebhookCommit): ParsedWebhook {
  const title = firstLine(event.title, LONGEST_TITLE) || shortRef(event.ref)
  const author = firstLine(event.author, LONGEST_AUTHOR) || 'unknown'
  const { sender } = event
  // Names of accounts are short at every forge; what is not is no name.
  const named = sender && { ...sender, name: firstLine(sender.name, LONGEST_AUTHOR) }
  return {
    kind: 'commit',
    repository,
    event: { ...event, title, author, ...present({ sender: named }) },
  }
}

export function ignored(repository: WebhookRepository | undefined, reason: string): ParsedWebhook {
  return { kind: 'ignored', ...present({ repository }), reason }
}

/** The payload as the schema says; throws `invalid` with all that is wrong, by its path. */
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
