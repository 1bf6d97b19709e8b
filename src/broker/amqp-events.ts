import type { Channel, ConsumeMessage } from 'amqplib'
import { type EventMessage, eventMessage } from '../contract/live/event-message.ts'
import type { Logger } from '../lib/log.ts'
import { closeChannel, openChannel } from './amqp-channel.ts'
import type { AmqpSession, Attach } from './amqp-session.ts'

/** A subscriber that falls further behind than this loses the oldest, and finds them in the store. */
const MOST_BEHIND = 10_000
const MOST_BYTES_BEHIND = 64 * 1024 * 1024
/** Where somebody deletes the exchange, the queue stays and hears nothing, and nobody is told. */
const BIND_EVERY_MS = 10_000

/** Publishes events as long as the connection takes them, and counts those it does not. */
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
      // False: it is in the buffer, which is now full until `drain`.
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
  /** Milliseconds from one binding to the next; 10,000 unless told. */
  readonly bindEveryMs?: number | undefined
}

/**
 * Subscribes with a queue of one's own, which the broker deletes with the subscription or its
 * connection. No acks: the broker sends as fast as the socket takes it, and what does not fit waits
 * in the queue, up to its bounds.
 *
 * Each binding is told from the one before it by an argument, which means nothing: RabbitMQ 4.3 may
 * keep a binding that was made while its exchange was being deleted and route nothing by it, and to
 * bind the same again then does nothing.
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
        'x-max-length': MOST_BEHIND,
        'x-max-length-bytes': MOST_BYTES_BEHIND,
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
      // Fails with the channel, which has the session begin anew.
      channel
        .assertExchange(exchange, 'topic', { durable: true })
        .then(bind)
        .catch(() => {})
    }, subscription.bindEveryMs ?? BIND_EVERY_MS)
    bindAgain.unref()
    channel.on('close', () => clearInterval(bindAgain))
    const onMessage = (message: ConsumeMessage | null) => {
      if (message) tell(subscription, message)
      else session.restart(new Error(`the queue of the subscription to ${pattern} is gone`))
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

function tell({ listener, log }: EventSubscription, message: ConsumeMessage): void {
  const topic = message.fields.routingKey
  const event = readEvent(message.content)
  if (!event) {
    log.warn({ topic, bytes: message.content.length }, 'a malformed event is dropped')
    return
  }
  try {
    listener(topic, event)
  } catch (err) {
    log.error({ err, topic }, 'a listener of events failed')
  }
}

function readEvent(content: Buffer): EventMessage | undefined {
  try {
    return eventMessage.parse(JSON.parse(content.toString()))
  } catch {
    return undefined
  }
}
