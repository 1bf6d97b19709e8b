import { z } from 'zod'
import { suggestKey } from '../../../lib/suggest-key.ts'

/**
 * A mapping with exactly these keys. `what` names it in messages: "a step". `hints`: what to do about unknown
 * keys that aren't typos; `hintOf` is asked about those that have none.
 */
export function group<Shape extends z.ZodRawShape>(
  what: string,
  shape: Shape,
  hints: Readonly<Record<string, string>> = {},
  hintOf: (key: string) => string | undefined = () => undefined,
) {
  const names = Object.keys(shape)
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined
      // One line per key, in order; `flattenIssues` splits them.
      const words = (key: string): string => {
        const hint = Object.hasOwn(hints, key) ? hints[key] : hintOf(key)
        if (hint !== undefined) return `is not a key of ${what}: ${hint}`
        const meant = suggestKey(key, names)
        return `is not a key of ${what}: ${meant ? `did you mean ${meant}?` : `it has ${names.join(', ')}`}`
      }
      return issue.keys.map(words).join('\n')
    },
  })
}
