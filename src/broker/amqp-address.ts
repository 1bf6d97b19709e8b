import { NarwhalError } from '../lib/errors.ts'

const HEARTBEAT_SECONDS = 10

export interface AmqpAddress {
  /** What to connect to, with the password: never log it. */
  readonly url: string
  /** The same for people: scheme, host and port only. */
  readonly shown: string
}

/** Reads an `amqp://` or `amqps://` URL; throws `invalid` (without quoting it) when it isn't one. */
export function parseAmqpUrl(text: string): AmqpAddress {
  const url = URL.parse(text)
  if (!url || (url.protocol !== 'amqp:' && url.protocol !== 'amqps:') || !url.hostname) {
    throw new NarwhalError(
      'invalid',
      "the broker's URL must look like amqp://user:password@host:5672/vhost (or amqps://…)",
    )
  }
  const port = url.port || (url.protocol === 'amqp:' ? '5672' : '5671')
  const shown = `${url.protocol}//${url.hostname}:${port}`
  if (!url.searchParams.has('heartbeat')) {
    url.searchParams.set('heartbeat', String(HEARTBEAT_SECONDS))
  }
  return { url: url.href, shown }
}
