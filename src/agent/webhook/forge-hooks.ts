import type { IncomingHttpHeaders } from 'node:http'
import type { WebhookForge } from '../../core/forges.ts'
import { parseGitea } from '../../forge/gitea/webhook.ts'
import { parseGithub } from '../../forge/github/webhook.ts'
import { parseGitlab } from '../../forge/gitlab/webhook.ts'
import type { ParsedWebhook } from '../../forge/parsed-webhook.ts'
import type { AddressPlace } from './scan-payload.ts'
import type { ProofForm } from './signature.ts'

/** How a forge's webhooks are read. */
export interface ForgeHooks {
  /** As people call it. */
  readonly title: string
  /** The headers that name the event and the delivery; of several, the first that is there. */
  readonly eventHeaders: readonly string[]
  readonly deliveryHeaders: readonly string[]
  /** The header that proves where it comes from; of several, the first that is there. */
  readonly proofHeaders: readonly string[]
  /** How the proof is made with a secret. */
  readonly proof: ProofForm
  /** Where the payload names its repository. */
  readonly address: AddressPlace
  readonly parse: (eventName: string, payload: unknown) => ParsedWebhook
}

export const FORGE_HOOKS: Readonly<Record<WebhookForge, ForgeHooks>> = {
  github: {
    title: 'GitHub',
    eventHeaders: ['x-github-event'],
    deliveryHeaders: ['x-github-delivery'],
    proofHeaders: ['x-hub-signature-256'],
    proof: { kind: 'hmac', prefix: 'sha256=' },
    address: { object: 'repository', name: 'full_name' },
    parse: parseGithub,
  },
  gitea: {
    title: 'Gitea or Forgejo',
    eventHeaders: ['x-gitea-event', 'x-forgejo-event'],
    deliveryHeaders: ['x-gitea-delivery', 'x-forgejo-delivery'],
    proofHeaders: ['x-gitea-signature', 'x-forgejo-signature'],
    proof: { kind: 'hmac', prefix: '' },
    address: { object: 'repository', name: 'full_name' },
    parse: parseGitea,
  },
  gitlab: {
    title: 'GitLab',
    eventHeaders: ['x-gitlab-event'],
    // A retry has the same key; versions before 17.4 have none.
    deliveryHeaders: ['idempotency-key', 'x-gitlab-event-uuid'],
    // It signs nothing: the secret itself comes along, so the way must be encrypted.
    proofHeaders: ['x-gitlab-token'],
    proof: { kind: 'token' },
    address: { object: 'project', name: 'path_with_namespace' },
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
