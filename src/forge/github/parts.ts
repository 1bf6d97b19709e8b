import type { z } from 'zod'
import { forgeAccount } from '../../core/stranger/update-bot.ts'
import { present } from '../../lib/present.ts'
import {
  commit as buildCommit,
  ignored as ignoredWebhook,
  type ParsedWebhook,
  type WebhookCommit,
  type WebhookRepository,
} from '../parsed-webhook.ts'
import type { Push, repository } from './payloads.ts'

export type RepositoryPayload = z.infer<typeof repository>

export function commit(from: RepositoryPayload, event: WebhookCommit): ParsedWebhook {
  return buildCommit(named(from), event)
}

export function ignored(from: RepositoryPayload | undefined, reason: string): ParsedWebhook {
  return ignoredWebhook(from && named(from), reason)
}

export function named({ id, full_name, owner }: RepositoryPayload): WebhookRepository {
  return { forgeId: id, fullName: full_name, ...present({ ownerId: owner?.id }) }
}

export function senderOf(sender: Push['sender']): Pick<WebhookCommit, 'sender'> {
  return sender ? { sender: forgeAccount(sender.id, sender.login, sender.type) } : {}
}
