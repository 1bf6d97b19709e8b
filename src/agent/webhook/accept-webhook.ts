import type { EventDetails } from '../../core/commit-event.ts'
import { forgePathOf } from '../../core/forge-path.ts'
import type { WebhookForge } from '../../core/forges.ts'
import { decideTrust, isOwnRef } from '../../core/stranger/stranger.ts'
import type { ForgeAccount } from '../../core/stranger/update-bot.ts'
import type { WebhookCommit, WebhookRepository } from '../../forge/parsed-webhook.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type { RepositoryRecord } from '../../store/records.ts'
import type { Intake } from '../intake.ts'
import type { ReadWebhook } from './read-webhook.ts'
import type { SignedWebhook } from './signed-webhook.ts'
import type { WebhookHeaders } from './webhook-headers.ts'
import type { WebhookThreads } from './webhook-threads.ts'
import type { Delivery, DeliveryAnswer, NewEvent } from './write-deliveries.ts'

export interface Signed {
  readonly forge: WebhookForge
  readonly headers: WebhookHeaders
  readonly webhook: SignedWebhook
  /** When the request started. */
  readonly toldAt: number
}

/** Reads a webhook with a valid signature and writes its event. */
export async function acceptWebhook(
  { forge, headers, webhook, toldAt }: Signed,
  { threads, intake }: { readonly threads: WebhookThreads; readonly intake: Intake },
): Promise<DeliveryAnswer> {
  const { deliveryId, traceparent, eventName, isForm } = headers
  const { body, repository, isByFormer } = webhook
  const read = await threads.read({ forge, eventName, isForm, body })
  refuseOther(repository, read)
  const how = { toldAt, ...present({ traceparent }) }
  const content = contentOf(read, repository, how)
  // Only the forge sends commits, so it has the new secret; a ping may be a test of our own.
  const endsFormer =
    repository.formerSecret !== undefined &&
    !isByFormer &&
    (content.kind === 'commit' || content.kind === 'unresolved')
  return await intake.acceptDelivery({
    forge,
    deliveryId,
    repositoryId: repository.id,
    subject: read.subject,
    content,
    ...(endsFormer ? { endsFormerSecret: true } : {}),
  })
}

function contentOf(
  { parsed }: ReadWebhook,
  repository: RepositoryRecord,
  how: Pick<EventDetails, 'toldAt' | 'traceparent'>,
): Delivery['content'] {
  if (parsed.kind === 'ignored') return { kind: 'ignored', reason: parsed.reason }
  const forgeIds = newIds(parsed.repository, repository)
  if (parsed.kind === 'closed') {
    const { kind, ref, mergedOf } = parsed
    const event = parsed.event && newEvent(parsed.event, repository, how)
    return { kind, ref, ...present({ mergedOf, event }), ...forgeIds }
  }
  if (parsed.kind === 'gone') {
    const { kind, ref, before } = parsed
    return { kind, ref, ...present({ before }), ...forgeIds }
  }
  if (parsed.kind === 'unresolved') {
    const [{ sender, ref }] = parsed.events
    return {
      kind: 'unresolved',
      events: parsed.events.map((event) => ({
        ...withoutSender(event),
        details: { ...event.details, ...how },
      })),
      lookup: parsed.lookup,
      ...accountOf(sender, ref, repository),
      ...forgeIds,
    }
  }
  const { event } = parsed
  return {
    kind: 'commit',
    event: newEvent(event, repository, how),
    ...accountOf(event.sender, event.ref, repository),
    ...forgeIds,
  }
}

function newEvent(
  { facts, sender: _sender, ...parts }: WebhookCommit,
  repository: RepositoryRecord,
  how: Pick<EventDetails, 'toldAt' | 'traceparent'>,
): NewEvent {
  const event = { ...parts, source: 'webhook' } as const
  return {
    ...event,
    repositoryId: repository.id,
    trust: decideTrust(event, facts, repository),
    details: { ...parts.details, ...how },
  }
}

/**
 * The ids and the path at the forge, if they are not known yet or have changed: a repository may be renamed, and
 * get another owner.
 */
function newIds(
  { forgeId, ownerId, fullName }: WebhookRepository,
  known: RepositoryRecord,
): Pick<Extract<Delivery['content'], { kind: 'commit' }>, 'forgeIds'> {
  const movedTo = isSamePath(fullName, forgePathOf(known)) ? undefined : fullName
  const isKnown =
    known.forgeId !== undefined &&
    (ownerId ?? known.forgeOwnerId) === known.forgeOwnerId &&
    movedTo === known.movedTo
  if (isKnown) return {}
  return { forgeIds: { forgeId, ...present({ ownerId, movedTo }) } }
}

function withoutSender<Event extends { sender?: unknown }>(event: Event): Omit<Event, 'sender'> {
  const { sender: _, ...rest } = event
  return rest
}

/** A bot that pushes to the repository's own branches, or an account that the repository lists. */
function accountOf(
  sender: ForgeAccount | undefined,
  ref: string,
  { strangerAccounts = [] }: RepositoryRecord,
): { account?: ForgeAccount } {
  if (!sender) return {}
  const isOfInterest = (sender.isBot && isOwnRef(ref)) || strangerAccounts.includes(sender.id)
  return isOfInterest ? { account: sender } : {}
}

/**
 * Rejects a webhook of another repository, as a secret may be shared by several (by the webhook of an
 * organization, say). Ids decide; paths do until the id is known.
 */
function refuseOther(repository: RepositoryRecord, { address, parsed }: ReadWebhook): void {
  const named = parsed.repository ?? address
  if (!named && parsed.kind === 'ignored') return
  if (named && isThatOf(repository, named)) return
  throw new NarwhalError('conflict', wordsOfOther(repository, named))
}

function isThatOf(repository: RepositoryRecord, { forgeId, fullName }: WebhookRepository): boolean {
  return repository.forgeId === undefined
    ? isSamePath(fullName, forgePathOf(repository))
    : forgeId === repository.forgeId
}

function wordsOfOther(repository: RepositoryRecord, named: WebhookRepository | undefined): string {
  const { name, forgeId } = repository
  const path = forgePathOf(repository)
  if (named && forgeId !== undefined && isSamePath(named.fullName, path)) {
    return `${path} is another repository at the forge than before (its number is ${named.forgeId}, and was ${forgeId}): it was created again there. To build this one as ${name}: narwhal repo set ${name} --url URL, with its clone URL`
  }
  const other = named ? `${JSON.stringify(named.fullName)} (${named.forgeId})` : 'no repository'
  const known = forgeId === undefined ? path : `${path}, ${forgeId} at the forge`
  return `the webhook is about ${other}, but its URL and secret are those of ${name} (${known})`
}

function isSamePath(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
