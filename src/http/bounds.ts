/**
 * Limits and timeouts of one server. Slow and idle clients hold nothing that others need: see
 * `Connections`. The manual's page "Limits" lists them.
 */
export interface HttpBounds {
  /** Open connections in all. */
  readonly connections: number
  /** Open connections from one address; behind a proxy, all have the same. */
  readonly connectionsOfAddress: number
  /** Requests in flight, except health checks. */
  readonly requests: number
  /** Bytes in memory of all bodies above 64 KiB or of unknown length. */
  readonly bodyBytesInAll: number
  /** Bytes of one body; a route may set its own limit. */
  readonly bodyBytes: number
  /** Bytes of all headers of a request. */
  readonly headerBytes: number
  /** Milliseconds to receive the headers. */
  readonly headersMs: number
  /** Milliseconds to receive the whole request. */
  readonly requestMs: number
  /** Milliseconds between checks of the two above. */
  readonly checkMs: number
  /** Milliseconds without progress on a connection that has something to send. */
  readonly stallMs: number
  /** Milliseconds that an idle connection is kept: longer than load balancers keep theirs. */
  readonly keepAliveMs: number
}

export const HTTP_BOUNDS: HttpBounds = {
  connections: 5_000,
  connectionsOfAddress: 2_000,
  requests: 1_000,
  bodyBytesInAll: 64 * 1024 * 1024,
  bodyBytes: 1024 * 1024,
  headerBytes: 16 * 1024,
  headersMs: 10_000,
  requestMs: 30_000,
  checkMs: 2_000,
  stallMs: 60_000,
  keepAliveMs: 72_000,
}
