import type { EventDetails } from '../../core/commit-event.ts'
import type { WebhookForge } from '../../core/forges.ts'
import { decideTrust, isOwnRef } from '../../core/stranger/stranger.ts'
import type { ForgeAccount } from '../../core/stranger/update-bot.ts'
import type { WebhookRepository } from '../../forge/parsed-webhook.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type { RepositoryRecord } from '../../store/records.ts'
import type { Intake } from '../intake.ts'
import type { ReadWebhook } from './read-webhook.ts'
import type { SignedWebhook } from './signed-webhook.ts'
import type { WebhookHeaders } from './webhook-headers.ts'
import type { WebhookThreads } from './webhook-threads.ts'
import type { Delivery, DeliveryAnswer } from './write-deliveries.ts'

export interface Signed {
  readonly forge: WebhookForge
  readonly headers: WebhookHeaders
  readonly webhook: SignedWebhook
  /** When the forge began to tell. */
  readonly toldAt: number
}

/** Reads a webhook whose signature is right, and has what it tells written. */
export async function acceptWebhook(
  { forge, headers, webhook, toldAt }: Signed,
  { threads, intake }: { readonly threads: WebhookThreads; readonly intake: Intake },
): Promise<DeliveryAnswer> {
  const { deliveryId, traceparent, eventName, isForm } = headers
  const { body, repository, isByFormer } = webhook
  const read = await threads.read({ forge, eventName, isForm, body })
  refuseOther(repository, read)
  const how = { toldAt, ...present({ traceparent }) }
  const told = tellOf(read, repository, how)
  // Only the forge sends commits, so that its new secret is there; a ping may be one of our own.
  const endsFormer = repository.formerSecret !== undefined && !isByFormer && told.kind === 'commit'
  return await intake.acceptDelivery({
    forge,
    deliveryId,
    repositoryId: repository.id,
    told,
    ...(endsFormer ? { endsFormerSecret: true } : {}),
  })
}

function tellOf(
  { parsed }: ReadWebhook,
  repository: RepositoryRecord,
  how: Pick<EventDetails, 'toldAt' | 'traceparent'>,
): Delivery['told'] {
  if (parsed.kind === 'ignored') return { kind: 'ignored', reason: parsed.reason }
  const forgeIds = newIds(parsed.repository, repository)
  if (parsed.kind === 'closed') {
    const { kind, ref, mergedOf } = parsed
    return { kind, ref, ...present({ mergedOf }), ...forgeIds }
  }
  const { facts, sender, ...told } = parsed.event
  const event = { ...told, source: 'webhook' } as const
  return {
    kind: 'commit',
    event: {
      ...event,
      repositoryId: repository.id,
      trust: decideTrust(event, facts, repository),
      details: { ...told.details, ...how },
    },
    ...(sender && isOfInterest(sender, told, repository) ? { account: sender } : {}),
    ...forgeIds,
  }
}

/** What is not known yet of the forge's numbers, or is another by now: a repository may get another owner. */
function newIds(
  { forgeId, ownerId }: WebhookRepository,
  known: RepositoryRecord,
): Pick<Extract<Delivery['told'], { kind: 'commit' }>, 'forgeIds'> {
  const isKnown =
    known.forgeId !== undefined && (ownerId ?? known.forgeOwnerId) === known.forgeOwnerId
  if (isKnown) return {}
  return { forgeIds: { forgeId, ...present({ ownerId }) } }
}

/** A program that pushes to a branch of the repository itself, or whoever that lists. */
function isOfInterest(
  { id, isBot }: ForgeAccount,
  { ref }: { readonly ref: string },
  { strangerAccounts = [] }: RepositoryRecord,
): boolean {
  return (isBot && isOwnRef(ref)) || strangerAccounts.includes(id)
}

/**
 * A secret that is used for several repositories, of a webhook of a whole organization, say, must not make
 * another's commits this one's. Numbers decide; a name does until the number is known.
 */
function refuseOther(repository: RepositoryRecord, { address, parsed }: ReadWebhook): void {
  const named = parsed.repository ?? address
  if (!named && parsed.kind === 'ignored') return
  if (named && isThatOf(repository, named)) return
  const other = named ? `${JSON.stringify(named.fullName)} (${named.forgeId})` : 'no repository'
  const words = `the webhook tells of ${other}, and its URL and secret are those of ${repository.name}`
  throw new NarwhalError('conflict', words)
}

function isThatOf(repository: RepositoryRecord, { forgeId, fullName }: WebhookRepository): boolean {
  return repository.forgeId === undefined
    ? fullName.toLowerCase() === repository.name.toLowerCase()
    : forgeId === repository.forgeId
}
