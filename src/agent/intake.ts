import type { Broker } from '../broker/broker.ts'
import { shortRef } from '../core/commit-event.ts'
import type { EventId, RepositoryId } from '../core/ids.ts'
import { Grouping } from '../lib/async/grouping.ts'
import type { Logger } from '../lib/log.ts'
import { newId } from '../lib/new-id.ts'
import type { AcceptedEvent } from '../store/records.ts'
import type { Uses } from '../store/store.ts'
import {
  type Delivery,
  type DeliveryAnswer,
  type NewEvent,
  writeDeliveries,
} from './webhook/write-deliveries.ts'

/**
 * Accepts commit events: writes them to the store, then publishes them to the commit queue. A message
 * is only a hint, so a failed publish costs only time: the sweep requeues the event. Webhooks that
 * arrive together are written in one transaction.
 */
export class Intake {
  readonly #store: Uses<'transact'>
  readonly #broker: Broker
  readonly #log: Logger
  readonly #deliveries = new Grouping<Delivery, DeliveryAnswer>((group) => this.#write(group))

  constructor(deps: { store: Uses<'transact'>; broker: Broker; log: Logger }) {
    this.#store = deps.store
    this.#broker = deps.broker
    this.#log = deps.log
  }

  /**
   * Accepts a webhook's event. Once it resolves, the event is on disk. The caller must limit the number
   * in flight.
   */
  acceptDelivery(delivery: Delivery): Promise<DeliveryAnswer> {
    return this.#deliveries.add(delivery)
  }

  async #write(deliveries: readonly Delivery[]): Promise<DeliveryAnswer[]> {
    const receivedAt = Date.now()
    const { result } = await this.#store.transact((write) =>
      writeDeliveries(write, deliveries, receivedAt),
    )
    this.#publishNew(result.accepted)
    return result.answers
  }

  /** Accepts the result of a poll: new heads, and deleted refs. */
  async acceptPoll(
    repositoryId: RepositoryId,
    found: readonly NewEvent[],
    gone: readonly string[],
  ): Promise<void> {
    const receivedAt = Date.now()
    const { result } = await this.#store.transact(async (write) => {
      const events = found.map((event) => ({ ...event, id: newId('event'), receivedAt }))
      const accepted = await write.events.accept(events)
      await write.heads.set(events)
      await write.heads.forget(repositoryId, gone)
      return accepted
    })
    this.#publishNew(result)
  }

  #publishNew(accepted: readonly AcceptedEvent[]): void {
    for (const { event, created } of accepted) {
      const facts = { event: event.id, repository: event.repositoryId, sha: event.sha }
      const what = `${event.kind} ${shortRef(event.ref)}`
      this.#log.info({ ...facts, what, source: event.source, created }, 'commit event accepted')
      if (created) this.publish(event.id)
    }
  }

  /** Publishes an event to the commit queue without waiting; failures are left to the sweep. */
  publish(eventId: EventId): void {
    this.#broker.publishCommit(eventId).catch((error: unknown) => {
      this.#log.warn({ event: eventId, err: error }, 'publishing a commit failed: will be requeued')
    })
  }
}
