import type { Logger } from '../lib/log.ts'
import { unreachable } from '../lib/reach/unreachable.ts'
import type { Broker } from './broker.ts'
import { EmbeddedBroker } from './embedded.ts'

export type BrokerConfig =
  | { readonly kind: 'embedded' }
  | {
      readonly kind: 'amqp'
      /** `amqp://…` or `amqps://…`, with the password. */
      readonly url: string
      /** The prefix of all queues and exchanges; `narwhal` by default. */
      readonly prefix?: string | undefined
    }

/**
 * Opens the configured broker. Resolves at once, also while RabbitMQ is unavailable: the state is then
 * `connecting`. Rejects with `invalid` for an invalid URL.
 */
export async function openBroker(config: BrokerConfig, log: Logger): Promise<Broker> {
  switch (config.kind) {
    case 'embedded':
      return new EmbeddedBroker(log)
    case 'amqp': {
      const { RabbitBroker } = await import('./rabbitmq.ts')
      return new RabbitBroker({ url: config.url, prefix: config.prefix, log })
    }
    default:
      return unreachable(config)
  }
}
