import { parseJson } from '../../lib/parse-json.ts'

/** Shorter ones would mask text that isn't secret: `true`, a region, a version. */
const SHORTEST_VALUE = 8
/** The key file of a service account has a dozen. */
const MOST_VALUES = 200

/**
 * The strings in a secret that is a JSON object or list, as `jq -r` prints them: jobs print the key file
 * of a service account field by field.
 */
export function jsonValues(text: string): string[] {
  return textsIn(text, (one) => one.trim().length >= SHORTEST_VALUE)
}

/** The strings that are too short to be masked. */
export function shortJsonValues(text: string): string[] {
  return textsIn(text, (one) => one.trim() !== '' && one.trim().length < SHORTEST_VALUE)
}

/** Whether it is an object or a list. */
export function isJson(text: string): boolean {
  return /^\s*[[{]/.test(text) && parseJson(text) !== undefined
}

/** Only wanted strings count towards the limit. */
function textsIn(text: string, isWanted: (one: string) => boolean): string[] {
  if (!/^\s*[[{]/.test(text)) return []
  const values = new Set<string>()
  const waiting: unknown[] = [parseJson(text)]
  while (waiting.length > 0 && values.size < MOST_VALUES) {
    const one = waiting.pop()
    if (typeof one === 'string') {
      if (isWanted(one)) values.add(one)
    } else if (typeof one === 'object' && one !== null) {
      waiting.push(...Object.values(one))
    }
  }
  return [...values]
}
