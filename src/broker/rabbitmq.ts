import type { EventMessage } from '../contract/live/event-message.ts'
import type { EventId } from '../core/ids.ts'
import { EventHub } from '../lib/async/event-hub.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { TlsFiles } from '../lib/tls/tls-files.ts'
import { AMQP_TLS_NAMES, type AmqpAddress, parseAmqpUrl } from './amqp-address.ts'
import { atMost } from './amqp-channel.ts'
import { CommitConsumer } from './amqp-commit-consumer.ts'
import { CommitPublisher } from './amqp-commit-publisher.ts'
import { attachSubscription, EventPublisher } from './amqp-events.ts'
import { AmqpLink } from './amqp-link.ts'
import { type AmqpNames, amqpNames, declareTopology } from './amqp-topology.ts'
import type { Broker, BrokerState, BrokerStats, CommitHandler } from './broker.ts'
import { checkPrefetch } from './deliveries.ts'
import { checkPattern } from './topic.ts'

const STATS_WITHIN_MS = 2_000

export interface RabbitBrokerOptions {
  readonly url: string
  /** The prefix of all queues and exchanges; `narwhal` by default. */
  readonly prefix?: string | undefined
  /** The timeout for confirms, in milliseconds; 5,000 by default. */
  readonly confirmWithinMs?: number | undefined
  /** How often a subscription renews its binding, in milliseconds; 10,000 by default. */
  readonly bindEveryMs?: number | undefined
  readonly log: Logger
}

/**
 * The broker over RabbitMQ 3.10 or newer. Publishing and consuming have separate connections, since
 * RabbitMQ stops reading from publishers when memory or disk is low, and acks must continue.
 *
 * It is `ready` while both connections are up, otherwise `connecting`.
 */
export class RabbitBroker implements Broker {
  readonly #log: Logger
  readonly #address: AmqpAddress
  readonly #tls: TlsFiles | undefined
  readonly #names: AmqpNames
  readonly #states: EventHub<BrokerState>
  readonly #publishing: AmqpLink
  readonly #consuming: AmqpLink
  readonly #commits: CommitPublisher
  readonly #events: EventPublisher
  readonly #publishers: readonly Promise<AsyncDisposable>[]
  readonly #open = new Set<AsyncDisposable>()
  readonly #bindEveryMs: number | undefined
  #state: BrokerState = 'connecting'

  /** Starts connecting; throws `invalid` if the URL, or a file that it names, is invalid. */
  constructor(options: RabbitBrokerOptions) {
    this.#address = parseAmqpUrl(options.url)
    this.#bindEveryMs = options.bindEveryMs
    this.#names = amqpNames(options.prefix ?? 'narwhal')
    this.#log = options.log.child({ part: 'broker' })
    const { tls } = this.#address
    this.#tls = tls && TlsFiles.open(tls, this.#log, { names: AMQP_TLS_NAMES, onlyCa: true })
    this.#states = new EventHub((err) => this.#log.error({ err }, 'broker listener failed'))
    this.#commits = new CommitPublisher({
      queue: this.#names.commits,
      confirmWithinMs: options.confirmWithinMs ?? 5_000,
      describe: () => describeLink(this.#address, this.#publishing),
    })
    this.#events = new EventPublisher(this.#names.events)
    this.#publishing = this.#link('publish')
    this.#consuming = this.#link('consume')
    this.#publishers = [
      this.#publishing.attach(this.#commits.attach),
      this.#publishing.attach(this.#events.attach),
    ]
  }

  get state(): BrokerState {
    return this.#state
  }

  onState(listener: (state: BrokerState) => void): Disposable {
    return this.#states.listen(listener)
  }

  async publishCommit(eventId: EventId): Promise<void> {
    this.#checkOpen()
    await this.#commits.publish(eventId)
  }

  async consumeCommits(
    handler: CommitHandler,
    { prefetch }: { prefetch: number },
  ): Promise<AsyncDisposable> {
    this.#checkOpen()
    checkPrefetch(prefetch)
    const log = this.#log
    const consumer = new CommitConsumer({ queue: this.#names.commits, handler, prefetch, log })
    const attached = await this.#consuming.attach(consumer.attach)
    return this.#keep(async () => {
      consumer.stop()
      await attached[Symbol.asyncDispose]()
      await consumer.settled()
    })
  }

  publishEvent(topic: string, message: EventMessage): void {
    this.#events.publish(topic, message)
  }

  async subscribeEvents(
    pattern: string,
    listener: (topic: string, message: EventMessage) => void,
  ): Promise<AsyncDisposable> {
    this.#checkOpen()
    checkPattern(pattern)
    let stopped = false
    const attached = await this.#consuming.attach(
      attachSubscription({
        exchange: this.#names.events,
        pattern,
        listener: (topic, message) => {
          if (!stopped) listener(topic, message)
        },
        log: this.#log,
        bindEveryMs: this.#bindEveryMs,
      }),
    )
    return this.#keep(async () => {
      stopped = true
      await attached[Symbol.asyncDispose]()
    })
  }

  async stats(): Promise<BrokerStats | undefined> {
    let stats: BrokerStats | undefined
    await atMost(STATS_WITHIN_MS, async () => {
      // Not on the publishing connection, which RabbitMQ does not read from while it is blocked.
      const channel = await this.#consuming.model?.createChannel()
      if (!channel) return
      channel.on('error', () => {})
      const ready = await channel.checkQueue(this.#names.commits)
      const dead = await channel.checkQueue(this.#names.dead)
      stats = {
        commitsReady: ready.messageCount,
        commitsDead: dead.messageCount,
        eventsDropped: this.#events.dropped,
      }
      await channel.close()
    })
    return stats
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#moveTo('closed')
    const open = [...this.#open, ...(await Promise.all(this.#publishers))]
    await Promise.all(open.map((part) => part[Symbol.asyncDispose]()))
    await Promise.all([
      this.#publishing[Symbol.asyncDispose](),
      this.#consuming[Symbol.asyncDispose](),
    ])
    this.#commits[Symbol.dispose]()
    this.#tls?.[Symbol.dispose]()
  }

  #link(purpose: string): AmqpLink {
    return new AmqpLink({
      address: this.#address,
      tls: this.#tls?.client,
      purpose,
      log: this.#log,
      setUp: (model) => declareTopology(model, this.#names),
      onChange: () => {
        this.#moveTo(this.#publishing.up && this.#consuming.up ? 'ready' : 'connecting')
      },
    })
  }

  #moveTo(state: BrokerState): void {
    if (this.#state === state || this.#state === 'closed') return
    this.#state = state
    this.#states.emit(state)
  }

  /** Is disposed with the broker, or before; disposing twice, also concurrently, is harmless. */
  #keep(dispose: () => Promise<void>): AsyncDisposable {
    let disposing: Promise<void> | undefined
    const open = {
      [Symbol.asyncDispose]: () => {
        this.#open.delete(open)
        disposing ??= dispose()
        return disposing
      },
    }
    this.#open.add(open)
    return open
  }

  #checkOpen(): void {
    if (this.#state === 'closed') throw new NarwhalError('unavailable', 'the broker is closed')
  }
}

function describeLink(address: AmqpAddress, link: AmqpLink): string {
  if (link.up) return `RabbitMQ at ${address.shown} does not respond`
  return `RabbitMQ at ${address.shown} is unavailable: ${link.failure ?? 'still connecting'}`
}
