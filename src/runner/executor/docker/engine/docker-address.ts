import { NarwhalError } from '../../../../lib/errors.ts'

export interface EngineAddress {
  /** As configured, for messages: `unix:///var/run/docker.sock`. */
  readonly url: string
  readonly connect:
    | { readonly socketPath: string }
    | { readonly host: string; readonly port: number }
}

/** Parses `unix:///path`, `tcp://host:port` or `http://host:port`; throws `invalid`. */
export function parseEngineAddress(url: string): EngineAddress {
  const [, scheme, rest = ''] = /^([a-z]+):\/\/(.*)$/.exec(url) ?? []
  if (scheme === 'unix' && rest.startsWith('/')) return { url, connect: { socketPath: rest } }
  if ((scheme === 'tcp' || scheme === 'http') && URL.canParse(`http://${rest}`)) {
    const { hostname, port } = new URL(`http://${rest}`)
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    return { url, connect: { host, port: port === '' ? 2375 : Number(port) } }
  }
  throw new NarwhalError(
    'invalid',
    `${JSON.stringify(url)} is not the address of a container engine: use unix:///path or tcp://host:port`,
  )
}
