import { type Channel, connect } from 'amqplib'
import { eventually } from './eventually.ts'
import { uniquePrefix } from './services.ts'

/** Unique names on the tests' RabbitMQ, deleted with their queues on disposal. */
export interface RabbitNames extends AsyncDisposable {
  readonly prefix: string
  readonly commits: string
  readonly dead: string
  readonly events: string
  readonly turn: string
  /** Does something on a channel of a connection of its own. */
  asOperator<T>(work: (channel: Channel) => Promise<T>): Promise<T>
}

/** `await using names = rabbitNames(rabbitmq.url)` */
export function rabbitNames(url: string): RabbitNames {
  const prefix = uniquePrefix('narwhal-test-')
  const commits = `${prefix}.commits`
  const dead = `${prefix}.commits.dead`
  const events = `${prefix}.events`
  const turn = `${prefix}.declaring`
  const asOperator: RabbitNames['asOperator'] = async (work) => {
    const connection = await connect(url)
    connection.on('error', () => {})
    try {
      const channel = await connection.createChannel()
      channel.on('error', () => {})
      return await work(channel)
    } finally {
      await connection.close()
    }
  }
  return {
    prefix,
    commits,
    dead,
    events,
    turn,
    asOperator,
    // Quorum queues are deleted by their leader, which may be moving.
    [Symbol.asyncDispose]: () =>
      eventually(() =>
        asOperator(async (channel) => {
          await channel.deleteQueue(commits)
          await channel.deleteQueue(dead)
          await channel.deleteExchange(events)
        }),
      ),
  }
}
