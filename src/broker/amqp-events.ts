import type { Channel, ConsumeMessage } from 'amqplib'
import { type EventMessage, eventMessage } from '../contract/live/event-message.ts'
import type { Logger } from '../lib/log.ts'
import { closeChannel, openChannel } from './amqp-channel.ts'
import type { AmqpSession, Attach } from './amqp-session.ts'

/** A subscriber that is further behind loses the oldest events, and finds them in the store. */
const MAX_BACKLOG = 10_000
const MAX_BACKLOG_BYTES = 64 * 1024 * 1024
/** Deleting the exchange removes the binding without any notification, so it is renewed. */
const BIND_EVERY_MS = 10_000

/** Publishes events while the connection accepts them, and counts dropped ones. */
export class EventPublisher {
  readonly #exchange: string
  #channel: Channel | undefined
  #blocked = false
  #dropped = 0

  constructor(exchange: string) {
    this.#exchange = exchange
  }

  get dropped(): number {
    return this.#dropped
  }

  publish(topic: string, message: EventMessage): void {
    if (!this.#channel || this.#blocked) {
      this.#dropped++
      return
    }
    try {
      const body = Buffer.from(JSON.stringify(message))
      // False: it was buffered, and the buffer is full until `drain`.
      this.#blocked = !this.#channel.publish(this.#exchange, topic, body, {
        contentType: 'application/json',
      })
    } catch {
      this.#dropped++
    }
  }

  /** For AmqpLink.attach. */
  readonly attach = async (session: AmqpSession): Promise<AsyncDisposable> => {
    const channel = await openChannel(session)
    const stopped = () => {
      if (this.#channel === channel) this.#channel = undefined
    }
    channel.on('close', stopped)
    channel.on('drain', () => {
      if (this.#channel === channel) this.#blocked = false
    })
    this.#channel = channel
    this.#blocked = false
    return {
      [Symbol.asyncDispose]: () => {
        stopped()
        return closeChannel(channel)
      },
    }
  }
}

export interface EventSubscription {
  readonly exchange: string
  readonly pattern: string
  readonly listener: (topic: string, message: EventMessage) => void
  readonly log: Logger
  /** Milliseconds between bindings; 10,000 by default. */
  readonly bindEveryMs?: number | undefined
}

/**
 * Subscribes with an exclusive queue, which the broker deletes with the subscription or its connection.
 * No acks: the broker sends as fast as the socket accepts, and the rest waits in the queue, up to its
 * limits.
 *
 * A meaningless argument makes each binding differ from the one before it: RabbitMQ 4.3 may keep a dead
 * binding that was made while its exchange was being deleted, and binding the same again does nothing.
 */
export function attachSubscription(subscription: EventSubscription): Attach {
  const { exchange, pattern } = subscription
  return async (session) => {
    const channel = await openChannel(session)
    const { queue } = await channel.assertQueue('', {
      exclusive: true,
      autoDelete: true,
      durable: false,
      arguments: {
        'x-max-length': MAX_BACKLOG,
        'x-max-length-bytes': MAX_BACKLOG_BYTES,
        'x-overflow': 'drop-head',
      },
    })
    let bindings = 0
    const bind = async (): Promise<void> => {
      const turn = bindings++
      await channel.bindQueue(queue, exchange, pattern, { turn })
      if (turn > 0) await channel.unbindQueue(queue, exchange, pattern, { turn: turn - 1 })
    }
    await bind()
    const bindAgain = setInterval(() => {
      // Fails with the channel, which restarts the session.
      channel
        .assertExchange(exchange, 'topic', { durable: true })
        .then(bind)
        .catch(() => {})
    }, subscription.bindEveryMs ?? BIND_EVERY_MS)
    bindAgain.unref()
    channel.on('close', () => clearInterval(bindAgain))
    const onMessage = (message: ConsumeMessage | null) => {
      if (message) notify(subscription, message)
      else session.restart(new Error(`the queue of the subscription to ${pattern} was deleted`))
    }
    await channel.consume(queue, onMessage, { noAck: true })
    return {
      [Symbol.asyncDispose]: () => {
        clearInterval(bindAgain)
        return closeChannel(channel)
      },
    }
  }
}

function notify({ listener, log }: EventSubscription, message: ConsumeMessage): void {
  const topic = message.fields.routingKey
  const event = readEvent(message.content)
  if (!event) {
    log.warn({ topic, bytes: message.content.length }, 'malformed event dropped')
    return
  }
  try {
    listener(topic, event)
  } catch (err) {
    log.error({ err, topic }, 'event listener failed')
  }
}

function readEvent(content: Buffer): EventMessage | undefined {
  try {
    return eventMessage.parse(JSON.parse(content.toString()))
  } catch {
    return undefined
  }
}
