import { randomBytes } from 'node:crypto'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/** Enough for a hundred ids: a call of the system's random source costs more than everything else here. */
const RANDOM_BYTES = 1_100
let random = Buffer.alloc(0)
let at = 0

/**
 * Makes an id such as `job_01jd3v6w5k8m2q4r`: 9 characters of time (milliseconds, so that ids sort by age)
 * and 11 random ones, in Crockford's base 32.
 */
export function newId<Prefix extends string>(prefix: Prefix): `${Prefix}_${string}` {
  let time = Date.now()
  let text = ''
  for (let i = 0; i < 9; i++) {
    text = ALPHABET[time % 32] + text
    time = Math.floor(time / 32)
  }
  if (at === random.length) {
    random = randomBytes(RANDOM_BYTES)
    at = 0
  }
  for (const end = at + 11; at < end; at++) text += ALPHABET[(random[at] ?? 0) % 32]
  return `${prefix}_${text}`
}
