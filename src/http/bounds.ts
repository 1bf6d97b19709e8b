/**
 * How much one server takes at a time, and how long anything may take. Slow and idle clients hold
 * nothing that others need: see `Connections`. The manual's page "Limits" lists them.
 */
export interface HttpBounds {
  /** Open connections in all. */
  readonly connections: number
  /** Open connections from one address; behind a proxy, that is all. */
  readonly connectionsOfAddress: number
  /** Requests that are being answered, but for those that ask for the process's health. */
  readonly requests: number
  /** Bytes of all bodies in memory that are above 64 KiB, or do not say how long they are. */
  readonly bodyBytesInAll: number
  /** Bytes of one body, unless a route says otherwise. */
  readonly bodyBytes: number
  /** Bytes of all headers of a request. */
  readonly headerBytes: number
  /** Milliseconds until the headers are there. */
  readonly headersMs: number
  /** Milliseconds until the whole request is there. */
  readonly requestMs: number
  /** Milliseconds from one look at the two above to the next. */
  readonly checkMs: number
  /** Milliseconds in which nothing moves on a connection that has something to send. */
  readonly stallMs: number
  /** Milliseconds that a connection is kept between requests: longer than balancers keep theirs. */
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
