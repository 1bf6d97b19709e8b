/** Unsigned integers below 2^53, encoded as in protobuf: groups of seven bits, the lowest first. */
export function pushVarint(bytes: number[], value: number): void {
  let left = value
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80)
  bytes.push(left)
}

/** Signed integers, zigzag-encoded: 0, -1, 1, -2, … become 0, 1, 2, 3, … */
export function pushSigned(bytes: number[], value: number): void {
  pushVarint(bytes, value < 0 ? -2 * value - 1 : 2 * value)
}

/** Reads successive numbers. Throws RangeError at the end. */
export class VarintReader {
  readonly #bytes: Uint8Array
  #at: number

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  /** The offset of the next number. */
  get at(): number {
    return this.#at
  }

  next(): number {
    let value = 0
    for (let factor = 1; factor < 2 ** 53; factor *= 0x80) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) break
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw new RangeError('there is no number here')
  }

  nextSigned(): number {
    const value = this.next()
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2
  }
}
