import { NarwhalError } from '../lib/errors.ts'
import { present } from '../lib/present.ts'

const HEARTBEAT_SECONDS = 10

export interface AmqpAddress {
  /** Includes the password: never log it. */
  readonly url: string
  /** For messages: scheme, host and port only. */
  readonly shown: string
  /** The PEM files in the URL, and the name expected in the broker's certificate. */
  readonly tls?: AmqpTls
}

export interface AmqpTls {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly serverName?: string | undefined
}

/** The names of RabbitMQ's URL parameters. */
export const AMQP_TLS_NAMES = {
  ca: 'cacertfile',
  cert: 'certfile',
  key: 'keyfile',
  clientCa: 'cacertfile',
}

/** Parses an `amqp://` or `amqps://` URL; throws `invalid`, without quoting it, if it isn't one. */
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
  const tls = takeTls(url)
  return { url: url.href, shown, ...present({ tls }) }
}

/** Removes the TLS parameters from the URL and returns them; undefined without TLS. */
function takeTls(url: URL): AmqpTls | undefined {
  const take = (name: string): string | undefined => {
    const value = url.searchParams.get(name) ?? undefined
    url.searchParams.delete(name)
    return value
  }
  const { ca, cert, key } = AMQP_TLS_NAMES
  const tls = {
    ca: take(ca),
    cert: take(cert),
    key: take(key),
    serverName: take('server_name_indication'),
  }
  const verify = take('verify')
  if (verify !== undefined && verify !== 'verify_peer') {
    throw new NarwhalError(
      'invalid',
      "the broker's certificate is always verified: name its authority by cacertfile= instead of verify=",
    )
  }
  if (url.protocol === 'amqps:') return tls
  if (Object.values(tls).every((value) => value === undefined)) return undefined
  throw new NarwhalError(
    'invalid',
    "the broker's URL names certificates, but only amqps:// uses TLS",
  )
}
