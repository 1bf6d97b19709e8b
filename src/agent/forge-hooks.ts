import { createHmac } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { WebhookForge } from '../core/forge.ts'
import { equalsConstantTime } from '../lib/constant-time.ts'
import { parseGitea } from './gitea.ts'
import { parseGithub, verifyGithubSignature } from './github.ts'
import { parseGitlab } from './gitlab.ts'
import type { ParsedWebhook, WebhookRepository } from './parsed-webhook.ts'

/** How a forge's webhooks are read. */
export interface ForgeHooks {
  /** As people call it. */
  readonly title: string
  /** The headers that name the event and the delivery; of several, the first that is there. */
  readonly eventHeaders: readonly string[]
  readonly deliveryHeaders: readonly string[]
  /** The header that proves where it comes from; of several, the first that is there. */
  readonly proofHeaders: readonly string[]
  /** Whether the proof is made with the secret, of these very bytes; false for an empty secret. */
  readonly verify: (secret: string, body: Uint8Array, proof: string) => boolean
  /** Where the payload names its repository: its number and its full name there. */
  readonly addressOf: (payload: unknown) => WebhookRepository | undefined
  readonly parse: (eventName: string, payload: unknown) => ParsedWebhook
}

export const FORGE_HOOKS: Readonly<Record<WebhookForge, ForgeHooks>> = {
  github: {
    title: 'GitHub',
    eventHeaders: ['x-github-event'],
    deliveryHeaders: ['x-github-delivery'],
    proofHeaders: ['x-hub-signature-256'],
    verify: verifyGithubSignature,
    addressOf: (payload) => addressAt(payload, 'repository', 'full_name'),
    parse: parseGithub,
  },
  gitea: {
    title: 'Gitea or Forgejo',
    eventHeaders: ['x-gitea-event', 'x-forgejo-event'],
    deliveryHeaders: ['x-gitea-delivery', 'x-forgejo-delivery'],
    proofHeaders: ['x-gitea-signature', 'x-forgejo-signature'],
    verify: (secret, body, proof) =>
      secret !== '' &&
      equalsConstantTime(createHmac('sha256', secret).update(body).digest('hex'), proof),
    addressOf: (payload) => addressAt(payload, 'repository', 'full_name'),
    parse: parseGitea,
  },
  gitlab: {
    title: 'GitLab',
    eventHeaders: ['x-gitlab-event'],
    // A retry has the same key; versions before 17.4 have none.
    deliveryHeaders: ['idempotency-key', 'x-gitlab-event-uuid'],
    // It signs nothing: the secret itself comes along, so the way must be encrypted.
    proofHeaders: ['x-gitlab-token'],
    verify: (secret, _body, proof) => secret !== '' && equalsConstantTime(secret, proof),
    addressOf: (payload) => addressAt(payload, 'project', 'path_with_namespace'),
    parse: parseGitlab,
  },
}

/** The value of the first of these headers that is there, once. */
export function firstHeader(
  headers: IncomingHttpHeaders,
  names: readonly string[],
): string | undefined {
  for (const name of names) {
    const value = headers[name]
    if (typeof value === 'string') return value
  }
  return undefined
}

function addressAt(payload: unknown, at: string, name: string): WebhookRepository | undefined {
  const of = (payload as Record<string, unknown> | null)?.[at] as
    | Record<string, unknown>
    | null
    | undefined
  const [forgeId, fullName] = [of?.['id'], of?.[name]]
  const isAddress =
    Number.isSafeInteger(forgeId) &&
    (forgeId as number) > 0 &&
    typeof fullName === 'string' &&
    fullName.length <= 300
  return isAddress ? { forgeId: forgeId as number, fullName } : undefined
}
