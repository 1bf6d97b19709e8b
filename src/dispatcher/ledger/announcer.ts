import type { Broker } from '../../broker/broker.ts'
import { GROUP_TOPIC, groupThatMoves, topicOf } from '../../contract/live/event-message.ts'
import type { StateChange, ToldEvent } from '../../contract/live/live-event.ts'
import { EventHub } from '../../lib/async/event-hub.ts'
import type { Logger } from '../../lib/log.ts'

/**
 * Tells what has been written: to the event queue, where web servers listen, and to listeners in
 * this process. It tells only what is in the store already, and never waits.
 */
export class Announcer {
  readonly #broker: Broker
  readonly #hub: EventHub<ToldEvent>

  constructor(deps: { broker: Broker; log: Logger }) {
    this.#broker = deps.broker
    this.#hub = new EventHub((err) => deps.log.error({ err }, 'a listener failed'))
  }

  listen(listener: (event: ToldEvent) => void): Disposable {
    return this.#hub.listen(listener)
  }

  tell(event: ToldEvent): void {
    this.#broker.publishEvent(topicOf(event), { v: 1, event })
    // By itself, so that a dispatcher with jobs that wait in groups need not hear everything.
    if (groupThatMoves(event) !== undefined) {
      this.#broker.publishEvent(GROUP_TOPIC, { v: 1, event })
    }
    this.#hub.emit(event)
  }

  tellAll(changes: readonly StateChange[]): void {
    for (const change of changes) this.tell(change)
  }
}
