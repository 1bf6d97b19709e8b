/** A pattern to search for, and what may follow it that belongs to it, too. */
export interface Pattern {
  readonly bytes: Buffer
  readonly ends?: readonly Buffer[]
}

/** How something that is encoded begins, whatever follows it, and how it may go on to its end. */
interface Encoded {
  readonly core: string
  readonly ends: readonly string[]
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const PLACES = [0, 1, 2]

/**
 * What bytes are in base64 and base64url, wherever they stand in what is encoded, and whatever follows:
 * nothing, a line end, or anything. The character that depends on what stands before is left out.
 */
export function base64Patterns(bytes: Buffer): Pattern[] {
  return PLACES.flatMap((before) => patternsOf(encode(bytes, before)))
}

/** The same for what was encoded twice. */
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

/** `before`: how many bytes stand before it, modulo 3. */
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

/** What the digit can be of which the last bits of the bytes are the first. */
function lastDigits(least: string, known: number): string[] {
  if (known === 0) return []
  const from = DIGITS.indexOf(least)
  return DIGITS.slice(from, from + 2 ** (6 - known)).split('')
}
