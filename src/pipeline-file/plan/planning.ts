import { isImageReference } from '../../core/image-reference.ts'
import { type OutputReference, outputReferences } from '../../core/plan/outputs.ts'
import type { PlanFacts } from '../../core/plan/plan-facts.ts'
import type { Issue } from '../issues.ts'
import { fillIn, type Placeholder, placeholdersIn } from '../placeholders.ts'
import type { Env } from '../schema/parts/env.ts'
import type { Step } from '../schema/step.ts'
import { quote } from '../words.ts'
import type { KnownNames, NamedValues, TextAt } from './facts.ts'
import type { InputValues } from './inputs.ts'

/** What planning needs besides the file's values. */
export interface Reading {
  readonly facts: PlanFacts
  readonly textAt: TextAt
  /** How many characters a path holds, with every alias expanded. */
  readonly weightAt: (path: readonly PropertyKey[]) => number
}

/** The state of planning: what is known, and the issues so far. */
export interface Planning extends Reading {
  readonly inputs: InputValues
  /** The names of all declared inputs, with or without a value. */
  readonly inputNames: readonly string[]
  readonly issues: Issue[]
  /** The event is only built on request, and the file's own `when` doesn't name it: jobs have to. */
  readonly onlyNamed: boolean
  /** The jobs that would run if they named its action. */
  readonly notNamed: Set<string>
  /** References to outputs, to be checked once all jobs are known. */
  readonly needed: NeededOutput[]
}

export interface NeededOutput extends OutputReference {
  /** The path of the job that refers to it. */
  readonly job: readonly PropertyKey[]
  readonly path: readonly PropertyKey[]
}

/** One combination of a job's matrix; empty for a job without one. */
export interface Variant {
  readonly combination: NamedValues
  /** The names that its expressions may refer to. */
  readonly names: KnownNames
  /** The values of its template's parameters. */
  readonly params: NamedValues
  readonly path: readonly PropertyKey[]
  /** The path of the job, if `path` is that of a step. */
  readonly job: readonly PropertyKey[]
}

/** Fills in the variant's values; a missing one is reported as an issue and replaced by `x`. */
export function fill(
  text: string,
  { combination, params }: Pick<Variant, 'combination' | 'params'>,
  path: readonly PropertyKey[],
  { issues }: Planning,
): string {
  const valueOf = ({ kind, name }: Placeholder): string | undefined =>
    (kind === 'matrix' ? combination : params).get(name)?.text
  for (const one of placeholdersIn(text)) {
    if (valueOf(one) !== undefined) continue
    const why =
      one.kind === 'params'
        ? 'there is no template here with such a parameter'
        : combination.size === 0
          ? 'this job has no matrix with it'
          : 'not every combination has it'
    const message = `refers to ${one.kind}.${one.name}, but ${why}`
    issues.push({ path, message, at: 'value' })
  }
  return fillIn(text, (one) => valueOf(one) ?? 'x')
}

/** Fills in the `image` at the variant's path. */
export function fillImage(image: string, variant: Variant, planning: Planning): string {
  const path = [...variant.path, 'image']
  const filled = fill(image, variant, path, planning)
  if (!isImageReference(filled)) {
    const message = `can't be a container image: ${quote(filled)}`
    planning.issues.push({ path, message, at: 'value' })
  }
  return filled
}

/** Numbers and booleans as written: `1.10` stays `1.10`. */
export function planEnv(
  env: Env | undefined,
  path: readonly PropertyKey[],
  planning: Planning,
  variant?: Variant,
): Record<string, string> {
  const entries = Object.entries(env ?? {}).map(([name, value]): [string, string] => {
    const at = [...path, name]
    if (typeof value !== 'string') return [name, planning.textAt(at) ?? String(value)]
    return [name, variant ? fill(value, variant, at, planning) : value]
  })
  return Object.fromEntries(entries)
}

/** The `env` at the variant's path: what is known now, and what refers to outputs of needed jobs. */
export function planEnvOfNeeds(
  given: Env | undefined,
  variant: Variant,
  planning: Planning,
): { env: Record<string, string>; envOfNeeds?: Record<string, string> } {
  const path = [...variant.path, 'env']
  const now: [string, string][] = []
  const later: [string, string][] = []
  for (const [name, value] of Object.entries(planEnv(given, path, planning, variant))) {
    const references = outputReferences(value)
    const place = { job: variant.job, path: [...path, name] }
    planning.needed.push(...references.map((one) => ({ ...one, ...place })))
    const env = references.length > 0 ? later : now
    env.push([name, value])
  }
  const rest = later.length > 0 ? { envOfNeeds: Object.fromEntries(later) } : {}
  return { env: Object.fromEntries(now), ...rest }
}

export type StepMapping = Exclude<Step, string>
