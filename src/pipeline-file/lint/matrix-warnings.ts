import type { Issue } from '../issues.ts'
import type { TextAt } from '../plan/facts.ts'
import { quote } from '../words.ts'
import { type Values, valuesOf } from './values-of.ts'

/** Entries of `exclude` that exclude nothing: one of their values is none of its axis. */
export function matrixWarnings(job: Values, path: readonly PropertyKey[], textAt: TextAt): Issue[] {
  const matrix = valuesOf(job['matrix'])
  const at = [...path, 'matrix']
  const textsOf = (name: string): unknown[] => {
    const axis = matrix[name]
    return Array.isArray(axis) ? axis.map((_, i) => textAt([...at, name, i])) : []
  }
  const excluded = Array.isArray(matrix['exclude']) ? (matrix['exclude'] as unknown[]) : []
  return excluded.flatMap((one, i) =>
    Object.keys(valuesOf(one)).flatMap((name): Issue[] => {
      const texts = textsOf(name)
      const place = [...at, 'exclude', i, name]
      const text = textAt(place)
      if (text === undefined || texts.includes(text)) return []
      const message = `excludes nothing: the values of ${quote(name)} are ${texts.join(', ')}`
      return [{ path: place, message, at: 'value' }]
    }),
  )
}
