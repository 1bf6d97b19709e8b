import type { Broker } from '../broker/broker.ts'
import { shortRef } from '../core/commit-event.ts'
import type { Disposition } from '../core/delivery/delivery-result.ts'
import type { EventId, RepositoryId } from '../core/ids.ts'
import type { Found } from '../core/moves/telling.ts'
import { Grouping } from '../lib/async/grouping.ts'
import { describeError, NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { present } from '../lib/present.ts'
import type { LookupRecord } from '../store/delivery-records.ts'
import type { AcceptedEvent } from '../store/records.ts'
import type { Uses } from '../store/store.ts'
import { type FoundEvents, writeLookup } from './lookups/write-lookup.ts'
import type { RefFinder } from './remote-refs.ts'
import {
  type Delivery,
  type DeliveryAnswer,
  type NewEvent,
  tellingOf,
  type WrittenAnswer,
  writeDeliveries,
} from './webhook/write-deliveries.ts'

export interface IntakeDeps {
  readonly store: Uses<'transact'>
  readonly broker: Broker
  readonly refs: RefFinder
  readonly log: Logger
  /** Called when a webhook is on disk whose commit has to be looked up. */
  readonly onUnresolved?: () => void
}

/** What a poll found. */
export interface Polled {
  /** New heads, each with where its ref was known to be when the poll began. */
  readonly found: readonly NewEvent[]
  /** Refs that are gone, likewise. */
  readonly gone: readonly { readonly ref: string; readonly before: string }[]
}

/**
 * Accepts commit events: writes them to the store, then publishes them to the commit queue. A message
 * is only a hint, so a failed publish costs only time: the sweep requeues the event. Webhooks that
 * arrive together are written in one transaction.
 */
export class Intake {
  readonly #store: Uses<'transact'>
  readonly #broker: Broker
  readonly #refs: RefFinder
  readonly #log: Logger
  readonly #onUnresolved: () => void
  readonly #deliveries = new Grouping<Delivery, WrittenAnswer>((group) => this.#write(group))

  constructor(deps: IntakeDeps) {
    this.#store = deps.store
    this.#broker = deps.broker
    this.#refs = deps.refs
    this.#log = deps.log
    this.#onUnresolved = deps.onUnresolved ?? (() => {})
  }

  /**
   * Accepts a webhook's event. Once it resolves, the event is on disk. The caller must limit the number
   * in flight.
   */
  async acceptDelivery(delivery: Delivery): Promise<DeliveryAnswer> {
    const answer = await this.#deliveries.add(delivery)
    if (answer.status !== 'unsure') return answer
    const found = (await this.#look(delivery)) ?? answer.likely
    const certain = await this.#deliveries.add({ ...delivery, found })
    if (certain.status !== 'unsure') return certain
    throw new NarwhalError('internal', `delivery ${delivery.deliveryId} could not be understood`)
  }

  /** Where the ref is that a delivery tells of; undefined if the git server can't be asked. */
  async #look({ repositoryId, content }: Delivery): Promise<Found | undefined> {
    const [ref, sha] =
      content.kind === 'commit'
        ? [content.event.ref, content.event.sha]
        : [content.kind === 'gone' ? content.ref : '', '']
    try {
      return (await this.#refs.find(repositoryId, ref)) === sha ? 'here' : 'elsewhere'
    } catch (error) {
      const facts = { repository: repositoryId, ref, reason: describeError(error) }
      this.#log.warn(facts, 'a ref could not be looked up: taken for what is likely')
      return undefined
    }
  }

  async #write(deliveries: readonly Delivery[]): Promise<WrittenAnswer[]> {
    const receivedAt = Date.now()
    const { result } = await this.#store.transact((write) =>
      writeDeliveries(write, deliveries, receivedAt),
    )
    this.#publishNew(result.accepted)
    if (result.hasLookups) this.#onUnresolved()
    return result.answers
  }

  /**
   * Ends a lookup: accepts its events, or records why there are none. Resolves to the result; undefined, without
   * any effect, if another agent has claimed it.
   */
  async endLookup(
    lookup: LookupRecord,
    found: FoundEvents | { readonly reason: string },
  ): Promise<Disposition | undefined> {
    const receivedAt = Date.now()
    const { result } = await this.#store.transact((write) =>
      writeLookup(write, lookup, found, receivedAt),
    )
    this.#publishNew(result?.accepted ?? [])
    return result?.disposition
  }

  /** Accepts the result of a poll. */
  async acceptPoll(repositoryId: RepositoryId, { found, gone }: Polled): Promise<void> {
    const receivedAt = Date.now()
    const { result } = await this.#store.transact(async (write) => {
      const tellings = found.map((event) => tellingOf(event, receivedAt))
      const accepted = await write.events.accept(tellings)
      await write.events.noteGone(
        gone.map((one) => ({ ...one, repositoryId, source: 'poll' as const })),
      )
      return accepted
    })
    // What may be an old state of a replica is looked at again by the next poll.
    this.#publishNew(result.filter(({ unsure }) => unsure === undefined))
  }

  #publishNew(accepted: readonly AcceptedEvent[]): void {
    for (const { event, created, isCompleted } of accepted) {
      const facts = { event: event.id, repository: event.repositoryId, sha: event.sha }
      const what = `${event.kind} ${shortRef(event.ref)}`
      const how = { source: event.source, created, ...present({ isCompleted }) }
      this.#log.info({ ...facts, what, ...how }, 'commit event accepted')
      if (created || isCompleted) this.publish(event.id)
    }
  }

  /** Publishes an event to the commit queue without waiting; failures are left to the sweep. */
  publish(eventId: EventId): void {
    this.#broker.publishCommit(eventId).catch((error: unknown) => {
      this.#log.warn({ event: eventId, err: error }, 'publishing a commit failed: will be requeued')
    })
  }
}
