import type { EventMessage } from '../contract/live/event-message.ts'
import type { EventId } from '../core/ids.ts'
import { EventHub } from '../lib/async/event-hub.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { Broker, BrokerState, BrokerStats, CommitHandler } from './broker.ts'
import { EmbeddedCommits } from './embedded-commits.ts'
import { EmbeddedEvents } from './embedded-events.ts'

/**
 * The broker of a Narwhal in one process. It is `ready` from the start and not persistent: commits that
 * are queued when the process ends are published again from the store.
 */
export class EmbeddedBroker implements Broker {
  readonly #commits: EmbeddedCommits
  readonly #events: EmbeddedEvents
  readonly #states: EventHub<BrokerState>
  #state: BrokerState = 'ready'

  constructor(log: Logger) {
    this.#commits = new EmbeddedCommits(log)
    this.#events = new EmbeddedEvents(log)
    this.#states = new EventHub((err) => log.error({ err }, 'broker listener failed'))
  }

  get state(): BrokerState {
    return this.#state
  }

  onState(listener: (state: BrokerState) => void): Disposable {
    return this.#states.listen(listener)
  }

  async publishCommit(eventId: EventId): Promise<void> {
    this.#checkOpen()
    this.#commits.publish(eventId)
  }

  async consumeCommits(
    handler: CommitHandler,
    options: { prefetch: number },
  ): Promise<AsyncDisposable> {
    this.#checkOpen()
    return this.#commits.consume(handler, options.prefetch)
  }

  publishEvent(topic: string, message: EventMessage): void {
    this.#events.publish(topic, message)
  }

  async subscribeEvents(
    pattern: string,
    listener: (topic: string, message: EventMessage) => void,
  ): Promise<AsyncDisposable> {
    this.#checkOpen()
    return this.#events.subscribe(pattern, listener)
  }

  async stats(): Promise<BrokerStats | undefined> {
    if (this.#state === 'closed') return undefined
    const { ready, dead } = this.#commits
    return { commitsReady: ready, commitsDead: dead, eventsDropped: this.#events.dropped }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#state !== 'closed') {
      this.#state = 'closed'
      this.#events.close()
      this.#states.emit('closed')
    }
    await this.#commits[Symbol.asyncDispose]()
  }

  #checkOpen(): void {
    if (this.#state === 'closed') throw new NarwhalError('unavailable', 'the broker is closed')
  }
}
