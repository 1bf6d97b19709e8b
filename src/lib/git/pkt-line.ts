import { NarwhalError } from '../errors.ts'

/** The special packets of gitprotocol-common(5). */
export const FLUSH = '0000'
export const DELIMITER = '0001'

/** One packet: its length in four hexadecimal digits, followed by the text. */
export function packet(text: string): string {
  return (Buffer.byteLength(text) + 4).toString(16).padStart(4, '0') + text
}

/**
 * The packets of a response as they arrive; special ones (flush, delimiter, response end) as empty
 * buffers. Throws `unavailable` for an invalid stream, or one that ends within a packet.
 */
export async function* packets(
  source: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void, undefined> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of source) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    while (rest.length - at >= 4) {
      const length = lengthOf(rest.toString('latin1', at, at + 4))
      if (rest.length - at < length) break
      yield rest.subarray(at + 4, at + length)
      at += length
    }
    rest = rest.subarray(at)
  }
  if (rest.length > 0) throw broken('it ended in the middle of a packet')
}

/** Including the four digits; special packets consist of those only. */
function lengthOf(digits: string): number {
  if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw broken("it isn't in git's protocol")
  return Math.max(4, Number.parseInt(digits, 16))
}

export function broken(why: string): NarwhalError {
  return new NarwhalError('unavailable', `the answer can't be read: ${why}`)
}

/** The server's own error. */
export function refused(why: string): NarwhalError {
  return new NarwhalError('unavailable', `the server refused: ${why}`)
}
