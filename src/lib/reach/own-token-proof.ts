import { createHmac } from 'node:crypto'

/** Where a connection ends at the server, as both of its sides see it. */
export interface ConnectionEnd {
  readonly address: string
  readonly port: number
}

/** Hexadecimal; whoever asks makes up another each time. */
export const NONCE = /^[0-9a-f]{64}$/

/**
 * What proves that a server has the token of the data folder, without showing it. It says at which
 * address that server listens: who has taken a port of it, or the port that one would look at, may ask
 * the real server and hand its answer on, and gets one that is good for the real server's port alone.
 */
export function proveOwnToken(
  token: string,
  nonce: string,
  { address, port }: ConnectionEnd,
): string {
  const words = ['narwhal: I have the token', nonce, plainAddress(address), port].join('\n')
  return createHmac('sha256', token).update(words).digest('hex')
}

/** An IPv4 address as it is, whatever kind of socket it is seen by. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}
