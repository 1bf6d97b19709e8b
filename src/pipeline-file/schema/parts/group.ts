import { z } from 'zod'
import { suggestKey } from '../../../lib/suggest-key.ts'

/**
 * A mapping with known keys and no others. `what` names it for people: "a step". `hints` says what
 * to do about unknown keys that are no slips of the pen.
 */
export function group<Shape extends z.ZodRawShape>(
  what: string,
  shape: Shape,
  hints: Readonly<Record<string, string>> = {},
) {
  const known = Object.keys(shape)
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return undefined
      // One line for each key, in their order; whoever reads the issue takes them apart.
      const words = (key: string): string => {
        if (Object.hasOwn(hints, key)) return `is not a key of ${what}: ${hints[key]}`
        const meant = suggestKey(key, known)
        return `is not a key of ${what}: ${meant ? `did you mean ${meant}?` : `it has ${known.join(', ')}`}`
      }
      return issue.keys.map(words).join('\n')
    },
  })
}
