import type { JobSpec } from '../../core/plan/plan.ts'
import type { NamedJob } from './use-template.ts'

/**
 * The jobs in order, each needing all combinations of its needs that are run. A job that needs one that is
 * left out is left out too, unless the need is `optional`, or that one counts as `done`.
 */
export function planNeeds(
  named: readonly NamedJob[],
  variants: ReadonlyMap<string, readonly JobSpec[]>,
  done: ReadonlySet<string> = new Set(),
): JobSpec[] {
  const reasons = new Map<string, string>()
  const isRun = (name: string): boolean =>
    !reasons.has(name) && (variants.get(name) ?? []).some(({ leftOut }) => leftOut === undefined)
  // Terminates: each round leaves out at least one more job, or is the last.
  for (let found = true; found; ) {
    found = false
    for (const { name, job } of named) {
      if (!isRun(name)) continue
      const missing = requiredOf(job).find((need) => !isRun(need) && !done.has(need))
      if (missing === undefined) continue
      reasons.set(name, `needs "${missing}", which is not run for this commit`)
      found = true
    }
  }
  return named.flatMap(({ name, job }) =>
    (variants.get(name) ?? []).map((spec): JobSpec => {
      const leftOut = spec.leftOut ?? reasons.get(name)
      if (leftOut !== undefined) return { ...spec, needs: [], leftOut }
      const runsOf = (need: string): string[] =>
        (isRun(need) ? (variants.get(need) ?? []) : [])
          .filter((one) => one.leftOut === undefined)
          .map((one) => one.name)
      const needs = spec.needs.flatMap(runsOf)
      const required = requiredOf(job)
      const optional = spec.needs.filter((need) => !required.includes(need)).flatMap(runsOf)
      if (needs.length === 0 && spec.runsOn === 'failure') {
        return { ...spec, needs, leftOut: 'none of its needs is run for this commit' }
      }
      return { ...spec, needs, ...(optional.length > 0 ? { optional } : {}) }
    }),
  )
}

/** The names of all its needs, without duplicates. */
export function needNames({ needs = [] }: NamedJob['job']): string[] {
  return [...new Set(listOf(needs).map((need) => (typeof need === 'string' ? need : need.job)))]
}

type Needs = NonNullable<NamedJob['job']['needs']>

function listOf(needs: Needs): Extract<Needs, unknown[]> {
  return Array.isArray(needs) ? needs : [needs]
}

function requiredOf({ needs = [] }: NamedJob['job']): string[] {
  return listOf(needs).flatMap((need) => {
    if (typeof need === 'string') return [need]
    return need.optional ? [] : [need.job]
  })
}
