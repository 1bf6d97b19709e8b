import type { ChannelModel } from 'amqplib'
import { backoff } from '../lib/async/backoff.ts'
import { describeError, hasCode, NarwhalError } from '../lib/errors.ts'
import { MAX_DELIVERIES } from './broker.ts'

/** Beyond this, publishing is rejected (reject-publish), and the sweep requeues later. */
const MAX_COMMITS = 1_000_000
/** Beyond this, the oldest dead letters are dropped; the store has all of them. */
const MAX_DEAD = 100_000
/** AMQP's reply codes for "exclusive to another connection" and "declared with other arguments". */
const RESOURCE_LOCKED = 405
const PRECONDITION_FAILED = 406
const TURN = { firstMs: 20, maxMs: 500 }

/** Names on the broker, all with the prefix. */
export interface AmqpNames {
  readonly commits: string
  readonly dead: string
  readonly events: string
  /** A lock: the connection with this exclusive queue declares the others. */
  readonly turn: string
}

export function amqpNames(prefix: string): AmqpNames {
  return {
    commits: `${prefix}.commits`,
    dead: `${prefix}.commits.dead`,
    events: `${prefix}.events`,
    turn: `${prefix}.declaring`,
  }
}

/**
 * Declares the queues and the exchange. Idempotent. Throws `conflict` if one of them exists with other
 * arguments.
 *
 * Dead-lettering is at-most-once: the store has each commit anyway. At-least-once uses a worker per
 * queue, and in RabbitMQ 3.10 one whose queue is deleted during its start crashes the node's supervisor
 * of all of them (rabbit_fifo_dlx_sup), and with it all such queues until the node restarts.
 *
 * One connection declares at a time: RabbitMQ 3.10 may permanently break a quorum queue that several
 * declare concurrently, as all do when it was deleted ("cluster_not_formed").
 *
 * A quorum queue dead-letters messages that were returned more often than the limit, so the limit is one
 * less than the number of deliveries.
 */
export async function declareTopology(model: ChannelModel, names: AmqpNames): Promise<void> {
  await using _turn = await awaitTurn(model, names.turn)
  await declare(model, `queue ${names.dead}`, (channel) =>
    channel.assertQueue(names.dead, {
      durable: true,
      arguments: {
        'x-queue-type': 'quorum',
        'x-max-length': MAX_DEAD,
        'x-overflow': 'drop-head',
      },
    }),
  )
  await declare(model, `queue ${names.commits}`, (channel) =>
    channel.assertQueue(names.commits, {
      durable: true,
      arguments: {
        'x-queue-type': 'quorum',
        'x-delivery-limit': MAX_DELIVERIES - 1,
        'x-max-length': MAX_COMMITS,
        'x-overflow': 'reject-publish',
        'x-dead-letter-exchange': '',
        'x-dead-letter-routing-key': names.dead,
      },
    }),
  )
  await declare(model, `exchange ${names.events}`, (channel) =>
    channel.assertExchange(names.events, 'topic', { durable: true }),
  )
}

type Channel = Awaited<ReturnType<ChannelModel['createChannel']>>

/** An exclusive queue belongs to one connection and is deleted with it. */
async function awaitTurn(model: ChannelModel, queue: string): Promise<AsyncDisposable> {
  for (let tries = 0; ; tries++) {
    const channel = await model.createChannel()
    channel.on('error', () => {})
    try {
      await channel.assertQueue(queue, { exclusive: true, durable: false, autoDelete: true })
      return {
        [Symbol.asyncDispose]: async () => {
          await channel.deleteQueue(queue)
          await channel.close()
        },
      }
    } catch (error) {
      if (!hasCode(error, RESOURCE_LOCKED)) throw error
    }
    await backoff(tries, TURN)
  }
}

/** Each on its own channel, since an error closes the channel. */
async function declare(
  model: ChannelModel,
  what: string,
  work: (channel: Channel) => Promise<unknown>,
): Promise<void> {
  const channel = await model.createChannel()
  channel.on('error', () => {})
  try {
    await work(channel)
  } catch (cause) {
    if (!hasCode(cause, PRECONDITION_FAILED)) throw cause
    throw new NarwhalError(
      'conflict',
      `the ${what} exists with other arguments (${describeError(cause)}): ` +
        'delete it on the broker, or choose another prefix',
      { cause },
    )
  }
  await channel.close()
}
