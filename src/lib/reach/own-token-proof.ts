import { createHmac } from 'node:crypto'

/** The server's end of a connection, as both sides see it. */
export interface ConnectionEnd {
  readonly address: string
  readonly port: number
}

/** Hexadecimal; the client generates one per request. */
export const NONCE = /^[0-9a-f]{64}$/

/**
 * Proves that a server has the token of the data folder, without revealing it. The proof covers the address
 * and port of the server: another process that listens on its previous port may relay the request to the real
 * server, but gets a proof that is valid for the real server's port only.
 */
export function proveOwnToken(
  token: string,
  nonce: string,
  { address, port }: ConnectionEnd,
): string {
  const words = ['narwhal: I have the token', nonce, plainAddress(address), port].join('\n')
  return createHmac('sha256', token).update(words).digest('hex')
}

/** An IPv4 address in plain form, also from a dual-stack socket. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '')
}
