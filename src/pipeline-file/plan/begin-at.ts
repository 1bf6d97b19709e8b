import type { JobSpec } from '../../core/plan/plan.ts'
import { suggestKey } from '../../lib/suggest-key.ts'
import { quote } from '../words.ts'
import { needNames } from './needs.ts'
import type { Planning } from './planning.ts'
import type { NamedJob } from './use-template.ts'

const BEFORE = 'it comes before the step to begin at'

/**
 * Begins at a step in the middle: earlier steps of its job are left out, and so are all jobs that don't
 * depend on that job. Returns the names of those jobs, which count as done.
 */
export function beginAt(
  from: string | undefined,
  named: readonly NamedJob[],
  variants: Map<string, JobSpec[]>,
  { issues }: Planning,
): ReadonlySet<string> {
  const done = new Set<string>()
  if (from === undefined) return done
  const found = named.filter(({ name }) =>
    variants.get(name)?.some((job) => indexIn(job, name, from) >= 0),
  )
  const [job, other] = found
  if (!job || other) {
    const message = other ? severalHave(from, found) : noneHas(from, variants)
    issues.push({ path: [], message, at: 'value' })
    return done
  }
  const kept = following(job.name, named)
  for (const [name, specs] of variants) {
    if (!kept.has(name)) done.add(name)
    const changed = specs.map((spec): JobSpec => {
      if (!kept.has(name)) return { leftOut: BEFORE, ...spec }
      if (name !== job.name) return spec
      const { runsOn: _, onlyIf: __, ...rest } = spec
      return { ...rest, steps: spec.steps.slice(Math.max(0, indexIn(spec, name, from))) }
    })
    variants.set(name, changed)
  }
  return done
}

function indexIn({ steps }: JobSpec, job: string, from: string): number {
  return steps.findIndex(({ name }) => name === from || `${job}/${name}` === from)
}

/** The job and its direct and transitive dependents. */
function following(name: string, named: readonly NamedJob[]): Set<string> {
  const kept = new Set([name])
  for (let size = 0; size !== kept.size; ) {
    size = kept.size
    for (const one of named) {
      if (needNames(one.job).some((need) => kept.has(need))) kept.add(one.name)
    }
  }
  return kept
}

function severalHave(from: string, found: readonly NamedJob[]): string {
  const ways = found.map(({ name }) => `${name}/${from}`).join(', ')
  return `has several jobs with a step ${quote(from)}: use one of ${ways}`
}

function noneHas(from: string, variants: ReadonlyMap<string, readonly JobSpec[]>): string {
  const steps = [...variants].flatMap(([name, [spec]]) =>
    (spec?.steps ?? []).flatMap((step) => [step.name, `${name}/${step.name}`]),
  )
  const meant = steps.length <= 200 ? suggestKey(from, steps) : undefined
  return `has no step ${quote(from)}${meant ? `: did you mean ${meant}?` : ''}`
}
