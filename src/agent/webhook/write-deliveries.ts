import type { CommitEvent } from '../../core/commit-event.ts'
import type { CommitLookup } from '../../core/delivery/commit-lookup.ts'
import type { Disposition } from '../../core/delivery/delivery-result.ts'
import type { WebhookForge } from '../../core/forges.ts'
import type { EventId, RepositoryId } from '../../core/ids.ts'
import type { Found, Telling } from '../../core/moves/telling.ts'
import type { ForgeAccount } from '../../core/stranger/update-bot.ts'
import { newId } from '../../lib/new-id.ts'
import { present } from '../../lib/present.ts'
import type {
  DeliveryRecord,
  DeliverySubject,
  LookupRecord,
  UnresolvedEvent,
} from '../../store/delivery-records.ts'
import type { AcceptedEvent, ForgeIds } from '../../store/records.ts'
import type { StoreWriter, Writes } from '../../store/store.ts'

const RESOLVING = 'the payload does not name the commit: it is looked up at the git server'

/** A commit event that has no id yet. */
export type NewEvent = Omit<CommitEvent, 'id' | 'receivedAt'>

/** The event as it is told now; `found`: where its ref is, if the git server was asked. */
export function tellingOf(event: NewEvent, receivedAt: number, found?: Found): Telling {
  return { ...event, id: newId('event'), receivedAt, ...present({ found }) }
}

/** A webhook whose signature has been checked. */
export interface Delivery {
  readonly forge: WebhookForge
  readonly deliveryId: string
  readonly repositoryId: RepositoryId
  readonly subject?: DeliverySubject
  /** The forge uses the new secret: the previous one must be removed. */
  readonly endsFormerSecret?: true
  /** Where its ref is, if the git server had to be asked. */
  readonly found?: Found
  /** Its content; `forgeIds`: the ids at the forge, if they are not known yet or have changed. */
  readonly content:
    | {
        readonly kind: 'commit'
        readonly event: NewEvent
        readonly forgeIds?: ForgeIds
        /** Its author's account, if it has to be recorded. */
        readonly account?: ForgeAccount
      }
    | {
        readonly kind: 'unresolved'
        readonly events: readonly UnresolvedEvent[]
        readonly lookup: CommitLookup
        readonly forgeIds?: ForgeIds
        readonly account?: ForgeAccount
      }
    | {
        readonly kind: 'closed'
        readonly ref: string
        /** The closing itself, for narwhal.yml. */
        readonly event?: NewEvent
        readonly mergedOf?: number
        readonly forgeIds?: ForgeIds
      }
    | {
        readonly kind: 'gone'
        readonly ref: string
        readonly before?: string
        readonly forgeIds?: ForgeIds
      }
    | { readonly kind: 'ignored'; readonly reason: string }
}

/** The result of a delivery; `accepted` only if its commit is new. */
export interface DeliveryAnswer {
  readonly status: Disposition
  readonly eventId?: EventId
  readonly reason?: string
}

/** Nothing was written of it: it depends on where its ref is at the git server. */
export interface UnsureAnswer {
  readonly status: 'unsure'
  /** If that can't be asked. */
  readonly likely: Found
}

export type WrittenAnswer = DeliveryAnswer | UnsureAnswer

/**
 * Writes deliveries in one transaction, with a constant number of statements; returns the result of
 * each, in the same order, and their events.
 */
export async function writeDeliveries(
  write: StoreWriter,
  deliveries: readonly Delivery[],
  receivedAt: number,
): Promise<{ answers: WrittenAnswer[]; accepted: AcceptedEvent[]; hasLookups: boolean }> {
  const earlier = await findEarlier(write, deliveries)
  const fresh = deliveries.filter((delivery) => !earlier.has(delivery))
  const results = new Map<Delivery, Result>()
  const told = new Tellings(write)
  for (const delivery of fresh) {
    const { repositoryId, content, found } = delivery
    if (content.kind === 'ignored') continue
    if (content.forgeIds) await write.repositories.setForgeIds(repositoryId, content.forgeIds)
    if (content.kind === 'closed') {
      // What came before it belongs to the request as it was.
      await told.flush(results)
      await noteClosing(write, repositoryId, content, receivedAt)
      const { event } = content
      if (event) told.add(delivery, tellingOf(event, receivedAt, found))
      continue
    }
    if (content.kind === 'gone') {
      await told.flush(results)
      const { ref, before } = content
      const telling = {
        repositoryId,
        ref,
        source: 'webhook',
        ...present({ before, found }),
      } as const
      const [isUnsure] = await write.events.noteGone([telling])
      if (isUnsure) results.set(delivery, { unsure: 'here' })
      continue
    }
    const { account } = content
    if (account) await write.accounts.note({ repositoryId, account, at: receivedAt })
    if (content.kind === 'unresolved') continue
    told.add(delivery, tellingOf(content.event, receivedAt, found))
  }
  await told.flush(results)
  await endFormerSecrets(write, fresh)
  const certain = fresh.filter((delivery) => results.get(delivery)?.unsure === undefined)
  const records = certain.map((delivery) => recordOf(delivery, results.get(delivery), receivedAt))
  await write.deliveries.record(records)
  const lookups = fresh.flatMap((delivery) => lookupsOf(delivery, receivedAt))
  if (lookups.length > 0) await write.lookups.insert(lookups)
  const written = new Map(certain.map((delivery, index) => [delivery, records[index]]))
  const answers = deliveries.map((delivery): WrittenAnswer => {
    const before = earlier.get(delivery)
    if (before) return repeated(before)
    const record = written.get(delivery)
    if (record) return answerOf(record)
    return { status: 'unsure', likely: results.get(delivery)?.unsure ?? 'here' }
  })
  const accepted = [...results.values()].filter(isAccepted)
  return { answers, accepted, hasLookups: lookups.length > 0 }
}

async function noteClosing(
  write: Writes<'events' | 'accounts'>,
  repositoryId: RepositoryId,
  { ref, mergedOf }: Extract<Delivery['content'], { kind: 'closed' }>,
  at: number,
): Promise<void> {
  await write.events.noteClosed({ repositoryId, ref, at })
  if (mergedOf !== undefined) {
    await write.accounts.noteMerged({ repositoryId, actorId: mergedOf, at })
  }
}

/** What a delivery came to. */
type Result = AcceptedEvent | { readonly unsure: Found }

function isAccepted(result: Result): result is AcceptedEvent {
  return result.unsure === undefined
}

/** Tellings that follow one another, accepted at once. */
class Tellings {
  readonly #write: Writes<'events'>
  #waiting: { readonly delivery: Delivery; readonly telling: Telling }[] = []

  constructor(write: Writes<'events'>) {
    this.#write = write
  }

  add(delivery: Delivery, telling: Telling): void {
    this.#waiting.push({ delivery, telling })
  }

  async flush(results: Map<Delivery, Result>): Promise<void> {
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    const accepted = await this.#write.events.accept(waiting.map(({ telling }) => telling))
    for (const [index, { delivery }] of waiting.entries()) {
      const result = accepted[index]
      if (result) results.set(delivery, result)
    }
  }
}

async function findEarlier(
  write: Writes<'deliveries'>,
  deliveries: readonly Delivery[],
): Promise<Map<Delivery, DeliveryRecord>> {
  const earlier = new Map<Delivery, DeliveryRecord>()
  for (const [forge, ofForge] of Map.groupBy(deliveries, (delivery) => delivery.forge)) {
    const ids = ofForge.map(({ deliveryId }) => deliveryId)
    const known = await write.deliveries.listByIds(forge, ids)
    const byId = new Map(known.map((record) => [record.deliveryId, record]))
    for (const delivery of ofForge) {
      const record = byId.get(delivery.deliveryId)
      // One whose commit wasn't found is looked up again when it is sent again.
      const isDone = record !== undefined && record.disposition !== 'unresolved'
      if (isDone && record.repositoryId === delivery.repositoryId) earlier.set(delivery, record)
    }
  }
  return earlier
}

function lookupsOf(
  { forge, deliveryId, repositoryId, content }: Delivery,
  receivedAt: number,
): LookupRecord[] {
  if (content.kind !== 'unresolved') return []
  const { events, lookup } = content
  const progress = { receivedAt, dueAt: receivedAt, looks: 0, failures: 0 }
  return [{ forge, deliveryId, repositoryId, events, lookup, ...progress }]
}

async function endFormerSecrets(
  write: Writes<'repositories'>,
  deliveries: readonly Delivery[],
): Promise<void> {
  const renewed = deliveries.filter(({ endsFormerSecret }) => endsFormerSecret === true)
  if (renewed.length === 0) return
  await write.repositories.endFormerSecrets(renewed.map(({ repositoryId }) => repositoryId))
}

function recordOf(
  { forge, deliveryId, repositoryId, subject, content }: Delivery,
  result: Result | undefined,
  receivedAt: number,
): DeliveryRecord {
  const rest = { forge, deliveryId, repositoryId, ...present({ subject }), receivedAt }
  if (content.kind === 'closed' && !content.event) {
    return { ...rest, disposition: 'ignored', reason: 'closing noted' }
  }
  if (content.kind === 'gone') {
    const reason = content.ref.startsWith('refs/tags/') ? 'tag deleted' : 'branch deleted'
    return { ...rest, disposition: 'ignored', reason }
  }
  if (content.kind === 'ignored') return { ...rest, disposition: 'ignored', reason: content.reason }
  if (content.kind === 'unresolved') return { ...rest, disposition: 'resolving', reason: RESOLVING }
  const { event, created } = result as AcceptedEvent
  return { ...rest, disposition: created ? 'accepted' : 'known', eventId: event.id }
}

function answerOf({ disposition, eventId, reason }: DeliveryRecord): DeliveryAnswer {
  return { status: disposition, ...present({ eventId }), ...(reason ? { reason } : {}) }
}

/** The result of a redelivery, whose event is known by now. */
function repeated(record: DeliveryRecord): DeliveryAnswer {
  const answer = answerOf(record)
  const isKept = answer.status === 'ignored' || answer.status === 'resolving'
  return isKept ? answer : { ...answer, status: 'known' }
}
