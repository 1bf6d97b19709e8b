import type { Transport } from '@connectrpc/connect'
import type { Connector } from './connector.ts'

/** Reaches a runner in this process. */
export function inProcessConnector(transport: Transport): Connector {
  const connection = { transport, [Symbol.asyncDispose]: async () => {} }
  return { balanced: false, connect: () => connection }
}
