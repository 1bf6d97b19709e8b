/** A pattern to search for, and the endings that also belong to it. */
export interface Pattern {
  readonly bytes: Buffer
  readonly ends?: readonly Buffer[]
}

/** The part of an encoding that doesn't depend on what follows, and its possible endings. */
interface Encoded {
  readonly core: string
  readonly ends: readonly string[]
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const PLACES = [0, 1, 2]

/**
 * Bytes in base64 and base64url, at any offset in the encoded data, and whatever follows: nothing, a
 * line end, or anything else. The character that depends on the preceding byte is omitted.
 */
export function base64Patterns(bytes: Buffer): Pattern[] {
  return PLACES.flatMap((before) => patternsOf(encode(bytes, before)))
}

/** The same for bytes that are encoded twice. */
export function twiceBase64Patterns(bytes: Buffer): Pattern[] {
  return PLACES.flatMap((inner) => {
    const once = encode(bytes, inner)
    return PLACES.flatMap((outer) => {
      const twice = encode(Buffer.from(once.core), outer)
      const ends = once.ends
        .filter((end) => end.length > 1 || end === '=')
        .flatMap((end) => {
          const { core, ends: more } = encode(Buffer.from(once.core + end), outer)
          const rest = core.slice(twice.core.length)
          return [rest, ...more.map((one) => rest + one)]
        })
      return patternsOf({ core: twice.core, ends: [...twice.ends, ...ends] })
    })
  })
}

function patternsOf({ core, ends }: Encoded): Pattern[] {
  const usual = { bytes: Buffer.from(core), ends: ends.map((end) => Buffer.from(end)) }
  const isSame = !/[+/]/.test(core) && !ends.some((end) => /[+/]/.test(end))
  if (isSame) return [usual]
  const safe = (text: string): Buffer => Buffer.from(text.replaceAll('+', '-').replaceAll('/', '_'))
  return [usual, { bytes: safe(core), ends: ends.map(safe) }]
}

/** `before`: the number of preceding bytes, modulo 3. */
function encode(bytes: Buffer, before: number): Encoded {
  const first = Math.ceil((before * 8) / 6)
  const withEnd = (end: string): string =>
    Buffer.concat([Buffer.alloc(before), bytes, Buffer.from(end)])
      .toString('base64')
      .slice(first)
  const bits = (before + bytes.length) * 8
  const length = Math.floor(bits / 6) - first
  const whole = withEnd('')
  const ends = [whole, withEnd('\n'), withEnd('\n\n')].map((one) => one.slice(length))
  return {
    core: whole.slice(0, length),
    ends: [...new Set([...lastDigits(whole[length] ?? 'A', bits % 6), ...ends])].filter(Boolean),
  }
}

/** The possible digits whose first bits are the last bits of the bytes. */
function lastDigits(least: string, known: number): string[] {
  if (known === 0) return []
  const from = DIGITS.indexOf(least)
  return DIGITS.slice(from, from + 2 ** (6 - known)).split('')
}
