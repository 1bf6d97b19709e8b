import { setTimeout as sleep } from 'node:timers/promises'
import type { Channel, ConsumeMessage } from 'amqplib'
import { commitMessage } from '../contract/live/commit-message.ts'
import type { EventId } from '../core/ids.ts'
import type { Logger } from '../lib/log.ts'
import { atMost, closeChannel, openChannel } from './amqp-channel.ts'
import { type AmqpSession, QueueGoneError } from './amqp-session.ts'
import { type CommitHandler, MAX_DELIVERIES } from './broker.ts'
import { redeliveryDelayMs } from './deliveries.ts'

const CANCEL_WITHIN_MS = 1_000

export interface CommitConsumerOptions {
  readonly queue: string
  readonly handler: CommitHandler
  readonly prefetch: number
  readonly log: Logger
}

/**
 * A consumer of the commit queue across reconnects. A delivery is acknowledged on the channel it came
 * by; if that is closed, the broker redelivers it.
 */
export class CommitConsumer {
  readonly #options: CommitConsumerOptions
  readonly #inFlight = new Set<Promise<void>>()
  readonly #stopping = new AbortController()

  constructor(options: CommitConsumerOptions) {
    this.#options = options
  }

  /** For AmqpLink.attach. */
  readonly attach = async (session: AmqpSession): Promise<AsyncDisposable> => {
    const { queue, prefetch } = this.#options
    const channel = await openChannel(session)
    await channel.prefetch(prefetch)
    const { consumerTag } = await channel.consume(queue, (message) => {
      if (message) this.#take(channel, message)
      else session.restart(new QueueGoneError(queue))
    })
    return {
      [Symbol.asyncDispose]: async () => {
        await atMost(CANCEL_WITHIN_MS, () => channel.cancel(consumerTag))
        await this.settled()
        await closeChannel(channel)
      },
    }
  }

  /** Accepts no further deliveries, and returns held ones at once. */
  stop(): void {
    this.#stopping.abort()
  }

  /** Resolves once no handler is in flight, on this connection or an earlier one. */
  async settled(): Promise<void> {
    await Promise.all(this.#inFlight)
  }

  #take(channel: Channel, message: ConsumeMessage): void {
    // Unacknowledged: closing the channel returns it to the queue.
    if (this.#stopping.signal.aborted) return
    const work = this.#answer(channel, message).then(() => void this.#inFlight.delete(work))
    this.#inFlight.add(work)
  }

  async #answer(channel: Channel, message: ConsumeMessage): Promise<void> {
    const verdict = await this.#judge(message)
    try {
      if (verdict === 'ack') channel.ack(message)
      // Since 4.3 RabbitMQ counts rejects towards the delivery limit, but not nacks.
      else channel.reject(message, verdict === 'again')
    } catch (err) {
      this.#options.log.debug(
        { err },
        'channel closed before the acknowledgement: redelivery follows',
      )
    }
  }

  async #judge(message: ConsumeMessage): Promise<'ack' | 'again' | 'dead'> {
    const { handler, log } = this.#options
    const eventId = readCommit(message.content)
    if (!eventId) {
      log.error({ bytes: message.content.length }, 'malformed commit message: dead-lettered')
      return 'dead'
    }
    const delivery = deliveryNumber(message)
    try {
      await handler(eventId)
      return 'ack'
    } catch (err) {
      if (delivery >= MAX_DELIVERIES) {
        log.error({ err, eventId, delivery }, 'commit event failed too often: dead-lettered')
        return 'dead'
      }
      log.warn({ err, eventId, delivery }, 'commit event failed: will be redelivered')
      await this.#hold(delivery)
      return 'again'
    }
  }

  /** RabbitMQ redelivers at once, so the delay has to be here. */
  async #hold(delivery: number): Promise<void> {
    const signal = this.#stopping.signal
    await sleep(redeliveryDelayMs(delivery), undefined, { signal }).catch(() => {})
  }
}

function readCommit(content: Buffer): EventId | undefined {
  try {
    return commitMessage.parse(JSON.parse(content.toString())).eventId
  } catch {
    return undefined
  }
}

/** The number of this delivery, from 1. Quorum queues count returned deliveries. */
function deliveryNumber(message: ConsumeMessage): number {
  const returns: unknown = message.properties.headers?.['x-delivery-count']
  return typeof returns === 'number' ? returns + 1 : 1
}
