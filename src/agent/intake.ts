import type { Broker } from '../broker/broker.ts'
import { shortRef } from '../core/commit-event.ts'
import type { EventId, RepositoryId } from '../core/ids.ts'
import { Grouping } from '../lib/async/grouping.ts'
import type { Logger } from '../lib/log.ts'
import { newId } from '../lib/new-id.ts'
import type { AcceptedEvent } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import {
  type Delivery,
  type DeliveryAnswer,
  type NewEvent,
  writeDeliveries,
} from './webhook/write-deliveries.ts'

/**
 * Takes commit events in: first to the store, then to the commit queue. The queue only carries a
 * hint, so a publish that fails costs nothing but time: the sweep publishes the event again.
 * Webhooks that come together are written together.
 */
export class Intake {
  readonly #store: Store
  readonly #broker: Broker
  readonly #log: Logger
  readonly #deliveries = new Grouping<Delivery, DeliveryAnswer>((group) => this.#write(group))

  constructor(deps: { store: Store; broker: Broker; log: Logger }) {
    this.#store = deps.store
    this.#broker = deps.broker
    this.#log = deps.log
  }

  /**
   * Accepts what a webhook told of. When it resolves, that is on disk. How many are under way at a
   * time is for the caller to bound.
   */
  acceptDelivery(delivery: Delivery): Promise<DeliveryAnswer> {
    return this.#deliveries.add(delivery)
  }

  async #write(deliveries: readonly Delivery[]): Promise<DeliveryAnswer[]> {
    const receivedAt = Date.now()
    const { result } = await this.#store.transact((write) =>
      writeDeliveries(write, deliveries, receivedAt),
    )
    this.#tell(result.accepted)
    return result.answers
  }

  /** Accepts what a poll has found: new heads, and refs that are gone. */
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
    this.#tell(result)
  }

  #tell(accepted: readonly AcceptedEvent[]): void {
    for (const { event, created } of accepted) {
      const facts = { event: event.id, repository: event.repositoryId, sha: event.sha }
      const what = `${event.kind} ${shortRef(event.ref)}`
      this.#log.info({ ...facts, what, source: event.source, created }, 'commit event')
      if (created) this.publish(event.id)
    }
  }

  /** Puts an event on the commit queue without waiting; a failure is left to the sweep. */
  publish(eventId: EventId): void {
    this.#broker.publishCommit(eventId).catch((error: unknown) => {
      this.#log.warn({ event: eventId, err: error }, 'commit not queued yet; will try again')
    })
  }
}
