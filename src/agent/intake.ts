import type { Broker } from '../broker/broker.ts'
import { type CommitEvent, shortRef } from '../core/commit-event.ts'
import type { EventId, RepositoryId } from '../core/ids.ts'
import type { Logger } from '../lib/log.ts'
import { newId } from '../lib/new-id.ts'
import type { DeliveryRecord, Head } from '../store/records.ts'
import type { Store } from '../store/store.ts'

/** A commit event before Narwhal has given it an id. */
export type NewEvent = Omit<CommitEvent, 'id' | 'receivedAt'>

export interface Acceptance {
  readonly eventId: EventId
  /** False: the same commit was known already. */
  readonly created: boolean
}

/**
 * Takes commit events in: first to the store, then to the commit queue. The queue only carries a
 * hint, so a publish that fails costs nothing but time: the sweep publishes the event again.
 */
export class Intake {
  readonly #store: Store
  readonly #broker: Broker
  readonly #log: Logger

  constructor(deps: { store: Store; broker: Broker; log: Logger }) {
    this.#store = deps.store
    this.#broker = deps.broker
    this.#log = deps.log
  }

  /** Accepts an event that a webhook told of. When it resolves, the event is on disk. */
  async acceptDelivery(
    event: NewEvent,
    delivery: Pick<DeliveryRecord, 'forge' | 'deliveryId'>,
    forgeId: number | undefined,
  ): Promise<Acceptance> {
    const receivedAt = Date.now()
    const { result } = await this.#store.transact(async (write) => {
      if (forgeId !== undefined) await write.setForgeId(event.repositoryId, forgeId)
      const accepted = await write.acceptEvent({ ...event, id: newId('event'), receivedAt })
      await write.setHeads(event.repositoryId, [{ ref: event.ref, sha: event.sha }], [])
      await write.recordDelivery({
        ...delivery,
        repositoryId: event.repositoryId,
        disposition: accepted.created ? 'accepted' : 'known',
        eventId: accepted.event.id,
        receivedAt,
      })
      return accepted
    })
    this.#tell([result])
    return { eventId: result.event.id, created: result.created }
  }

  /** Accepts what a poll has found: new heads, and refs that are gone. */
  async acceptPoll(
    repositoryId: RepositoryId,
    events: readonly NewEvent[],
    gone: readonly string[],
  ): Promise<void> {
    const receivedAt = Date.now()
    const { result } = await this.#store.transact(async (write) => {
      const accepted: { event: CommitEvent; created: boolean }[] = []
      for (const event of events) {
        accepted.push(await write.acceptEvent({ ...event, id: newId('event'), receivedAt }))
      }
      const heads: Head[] = events.map(({ ref, sha }) => ({ ref, sha }))
      await write.setHeads(repositoryId, heads, gone)
      return accepted
    })
    this.#tell(result)
  }

  #tell(accepted: readonly { event: CommitEvent; created: boolean }[]): void {
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
