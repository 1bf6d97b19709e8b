import { parseJson } from '../../lib/parse-json.ts'

/** Shorter ones would blot out what is no secret: `true`, a region, a version. */
const SHORTEST_VALUE = 8
/** An account's key has a dozen. */
const MOST_VALUES = 200

/**
 * The texts in a secret that is a JSON object or list, as `jq -r` takes them out: what a service's
 * account is given as a file is printed field by field.
 */
export function jsonValues(text: string): string[] {
  return textsIn(text, (one) => one.trim().length >= SHORTEST_VALUE)
}

/** Those that are too short to be looked for. */
export function shortJsonValues(text: string): string[] {
  return textsIn(text, (one) => one.trim() !== '' && one.trim().length < SHORTEST_VALUE)
}

/** Whether it is an object or a list. */
export function isJson(text: string): boolean {
  return /^\s*[[{]/.test(text) && parseJson(text) !== undefined
}

/** What is not wanted takes nobody's place among so many. */
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
