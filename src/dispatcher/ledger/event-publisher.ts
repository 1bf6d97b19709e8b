import type { Broker } from '../../broker/broker.ts'
import { GROUP_TOPIC, groupThatMoves, topicOf } from '../../contract/live/event-message.ts'
import type { PublishedEvent, StateChange } from '../../contract/live/live-event.ts'
import { EventHub } from '../../lib/async/event-hub.ts'
import type { Logger } from '../../lib/log.ts'

/**
 * Publishes what has been written: to the event queue, where web servers listen, and to listeners in this
 * process. Call it only with what is in the store already. Never waits.
 */
export class EventPublisher {
  readonly #broker: Broker
  readonly #hub: EventHub<PublishedEvent>

  constructor(deps: { broker: Broker; log: Logger }) {
    this.#broker = deps.broker
    this.#hub = new EventHub((err) => deps.log.error({ err }, 'event listener failed'))
  }

  listen(listener: (event: PublishedEvent) => void): Disposable {
    return this.#hub.listen(listener)
  }

  publish(event: PublishedEvent): void {
    this.#broker.publishEvent(topicOf(event), { v: 1, event })
    // On a topic of its own, so that dispatchers with jobs waiting in groups needn't receive everything.
    if (groupThatMoves(event) !== undefined) {
      this.#broker.publishEvent(GROUP_TOPIC, { v: 1, event })
    }
    this.#hub.emit(event)
  }

  publishAll(changes: readonly StateChange[]): void {
    for (const change of changes) this.publish(change)
  }
}
