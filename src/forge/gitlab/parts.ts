import { forgeAccount } from '../../core/stranger/update-bot.ts'
import type { WebhookCommit, WebhookRepository } from '../parsed-webhook.ts'
import type { Project } from './payloads.ts'

export function named({ id, path_with_namespace }: Project): WebhookRepository {
  return { forgeId: id, fullName: path_with_namespace }
}

export function senderOf(
  id: number | null | undefined,
  name: string | null | undefined,
): Pick<WebhookCommit, 'sender'> {
  return id && name ? { sender: forgeAccount(id, name) } : {}
}
