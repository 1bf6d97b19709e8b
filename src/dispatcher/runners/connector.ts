import type { Duplex } from 'node:stream'
import type { Transport } from '@connectrpc/connect'

/** A way to reach one runner; for a balancer's URL, one of those behind it. */
export interface Connection extends AsyncDisposable {
  readonly transport: Transport
}

/** Opens connections to a runner. A balanced one gets a new connection for each use. */
export interface Connector {
  readonly balanced: boolean
  /** May throw `unavailable`, where it is the runner who connects. */
  connect(): Connection
  /** Takes up the socket of a runner that has connected itself. */
  accept?(socket: Duplex): void
  [Symbol.asyncDispose]?(): Promise<void>
}
