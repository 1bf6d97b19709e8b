import type { Duplex } from 'node:stream'
import type { Transport } from '@connectrpc/connect'

/** A connection to one runner; for a balancer's URL, to one of those behind it. */
export interface Connection extends AsyncDisposable {
  readonly transport: Transport
}

/** Opens connections to a runner. A balanced one gets a new connection for each use. */
export interface Connector {
  readonly balanced: boolean
  /** Throws `unavailable` while a runner that connects itself is absent. */
  connect(): Connection
  /** Takes over the socket of a runner that has connected itself. */
  accept?(socket: Duplex): void
  [Symbol.asyncDispose]?(): Promise<void>
}
