import type { ChannelModel } from 'amqplib'
import { backoff } from '../lib/async/backoff.ts'
import { describeError, hasCode, NarwhalError } from '../lib/errors.ts'
import { MAX_DELIVERIES } from './broker.ts'

/** Past this many, publishing is refused (reject-publish), and the sweep of the store comes back. */
const MOST_COMMITS = 1_000_000
/** Past this many, the oldest dead ones go; the store knows them all. */
const MOST_DEAD = 100_000
/** AMQP's reply codes for "another connection has it for itself", "declared before with other arguments". */
const RESOURCE_LOCKED = 405
const PRECONDITION_FAILED = 406
const TURN = { firstMs: 20, maxMs: 500 }

/** The names on the broker, all of which begin with the prefix. */
export interface AmqpNames {
  readonly commits: string
  readonly dead: string
  readonly events: string
  /** Whoever has this queue for itself declares the others. */
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
 * Declares the queues and the exchange, which changes nothing where they stand. Throws `conflict`
 * where one of them stands with other arguments.
 *
 * Dead-lettering is at most once: the store knows each commit anyway. At-least-once has a worker per
 * queue, and in RabbitMQ 3.10 one whose queue is deleted just as it starts takes the node's supervisor
 * of all of them along (rabbit_fifo_dlx_sup): no such queue works any more until the node is restarted.
 * One connection at a time declares: RabbitMQ 3.10 may break a quorum queue for good that several declare
 * at once, as all do who hear that it was deleted ("cluster_not_formed").
 *
 * A quorum queue sets aside what was rejected or lost with its consumer more often than the limit, so
 * the limit is one less than the number of deliveries. Newer RabbitMQ has a default limit of 20: the dead queue gets none.
 */
export async function declareTopology(model: ChannelModel, names: AmqpNames): Promise<void> {
  await using _turn = await awaitTurn(model, names.turn)
  await declare(model, `queue ${names.dead}`, (channel) =>
    channel.assertQueue(names.dead, {
      durable: true,
      arguments: {
        'x-queue-type': 'quorum',
        'x-max-length': MOST_DEAD,
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
        'x-max-length': MOST_COMMITS,
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

/** An exclusive queue is its connection's alone, and gone with that. */
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

/** Each on a channel of its own, since a refusal closes the channel. */
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
      `the ${what} stands with other arguments (${describeError(cause)}): ` +
        'delete it on the broker, or choose another prefix',
      { cause },
    )
  }
  await channel.close()
}
