import { createHash } from 'node:crypto'
import type { Concurrency } from '../../core/concurrency/concurrency.ts'
import type { JobSpec } from '../../core/plan/plan.ts'
import { branchOf, tagOf } from '../../core/plan/plan-facts.ts'
import type { Issue } from '../issues.ts'
import type { ConcurrencyKey } from '../schema/concurrency.ts'
import { printable, quote } from '../words.ts'
import type { Planning, Variant } from './planning.ts'
import type { NamedJob } from './use-template.ts'

const PLACEHOLDER = /\$\{([^{}]*)\}/g
const LONGEST_GROUP = 200

/** The concurrency group, filled in, of a job or (without `variant`) of the whole pipeline. */
export function planConcurrency(
  given: ConcurrencyKey | undefined,
  path: readonly PropertyKey[],
  planning: Planning,
  variant?: Variant,
): { concurrency?: Concurrency } {
  if (given === undefined) return {}
  const mapping = typeof given === 'string' ? { group: given } : given
  const at = typeof given === 'string' ? path : [...path, 'group']
  const group = mapping.group.replaceAll(PLACEHOLDER, (_, name: string) => {
    const value = valueOf(name, planning, variant)
    if (value !== undefined) return value
    const message = `contains \${${name.slice(0, 60)}}, which is not available here: a group's name may use \${branch}, \${tag}, \${ref}, \${event}, \${inputs.NAME}${variant ? ', ${matrix.AXIS} and ${params.NAME}' : ''}`
    planning.issues.push({ path: at, message, at: 'value' })
    return ''
  })
  if (group.trim() === '') {
    const message = `is empty for this commit: ${quote(mapping.group)}`
    planning.issues.push({ path: at, message, at: 'value' })
  }
  const { limit = 1, policy } = mapping
  const cancels = policy === 'cancel-superseded' ? { cancelsSuperseded: true as const } : {}
  return { concurrency: { group: shortened(group), limit, ...cancels } }
}

function valueOf(
  name: string,
  { facts, inputs, inputNames }: Planning,
  variant: Variant | undefined,
): string | undefined {
  switch (name) {
    case 'branch':
      return branchOf(facts)
    case 'tag':
      return tagOf(facts)
    case 'ref':
      return facts.ref
    case 'event':
      return facts.event
  }
  const [kind, key = ''] = name.split('.')
  if (kind === 'inputs' && inputNames.includes(key)) return String(inputs.get(key) ?? '')
  if (kind === 'matrix') return variant?.combination.get(key)?.text
  if (kind === 'params') return variant?.params.get(key)?.text
  return undefined
}

/** A job in its pipeline's own group would wait for its pipeline forever. */
export function checkGroups(
  ofPipeline: Concurrency | undefined,
  named: readonly NamedJob[],
  variants: ReadonlyMap<string, readonly JobSpec[]>,
): Issue[] {
  if (!ofPipeline) return []
  return named
    .filter(({ name }) =>
      variants.get(name)?.some(({ concurrency }) => concurrency?.group === ofPipeline.group),
    )
    .map(({ path }) => {
      const message = `is ${quote(ofPipeline.group)}, the group of the whole pipeline: the job would wait for its own pipeline`
      return { path: [...path, 'concurrency'], message, at: 'value' }
    })
}

/** Different groups stay different, also if they are too long to be shown. */
function shortened(group: string): string {
  const clean = printable(group).toWellFormed()
  if (clean.length <= LONGEST_GROUP && clean === group) return group
  const digest = createHash('sha256').update(group).digest('hex').slice(0, 16)
  return `${clean.slice(0, LONGEST_GROUP - 20)}… ${digest}`
}
