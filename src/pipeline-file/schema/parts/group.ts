import { z } from 'zod'
import { suggestKey } from '../../../lib/suggest-key.ts'

/**
 * A mapping with exactly these keys. `what` names it in messages: "a step". `hints`: what to do about unknown
 * keys that aren't typos.
 */
export function group<Shape extends z.ZodRawShape>(
  what: string,
  shape: Shape,
  hints: Readonly<Record<string, string>> = {},
) {
  const names = Object.keys(shape)
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined
      // One line per key, in order; `flattenIssues` splits them.
      const words = (key: string): string => {
        if (Object.hasOwn(hints, key)) return `is not a key of ${what}: ${hints[key]}`
        const meant = suggestKey(key, names)
        return `is not a key of ${what}: ${meant ? `did you mean ${meant}?` : `it has ${names.join(', ')}`}`
      }
      return issue.keys.map(words).join('\n')
    },
  })
}
