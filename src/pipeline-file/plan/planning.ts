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

/** What a file is read with besides its values. */
export interface Reading {
  readonly facts: PlanFacts
  readonly textAt: TextAt
  /** How many characters stand at a path, with every alias replaced. */
  readonly weightAt: (path: readonly PropertyKey[]) => number
}

/** What is known, and wrong, while a file is being planned. */
export interface Planning extends Reading {
  readonly inputs: InputValues
  /** The names of all inputs, whether they have a value or not. */
  readonly inputNames: readonly string[]
  readonly issues: Issue[]
  /** The outputs that values of `env` name, to be checked when all jobs are known. */
  readonly needed: NeededOutput[]
}

export interface NeededOutput extends OutputReference {
  /** The path of the job that names it. */
  readonly job: readonly PropertyKey[]
  /** Where. */
  readonly path: readonly PropertyKey[]
}

/** One combination of a job that is being planned; what a job without a matrix has is empty. */
export interface Variant {
  readonly combination: NamedValues
  /** What its expressions may speak of. */
  readonly known: KnownNames
  /** The parameters of its template, and their values. */
  readonly params: NamedValues
  readonly path: readonly PropertyKey[]
  /** The path of the job, where `path` is of one of its steps. */
  readonly job: readonly PropertyKey[]
}

/** The text with the variant's values; what it does not have is an issue at the path, and an x. */
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
    const message = `speaks of ${one.kind}.${one.name}, but ${why}`
    issues.push({ path, message, at: 'value' })
  }
  return fillIn(text, (one) => valueOf(one) ?? 'x')
}

/** The `image` of what stands at the variant's path, with the combination's values. */
export function fillImage(image: string, variant: Variant, planning: Planning): string {
  const path = [...variant.path, 'image']
  const filled = fill(image, variant, path, planning)
  if (!isImageReference(filled)) {
    const message = `can't be a container image: ${quote(filled)}`
    planning.issues.push({ path, message, at: 'value' })
  }
  return filled
}

/** Numbers and booleans as they are written: `1.10` stays `1.10`. */
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

/** The `env` at the variant's path: what is known now, and what names outputs of jobs that it needs. */
export function planEnvOfNeeds(
  given: Env | undefined,
  variant: Variant,
  planning: Planning,
): { env: Record<string, string>; envOfNeeds?: Record<string, string> } {
  const path = [...variant.path, 'env']
  const known: [string, string][] = []
  const later: [string, string][] = []
  for (const [name, value] of Object.entries(planEnv(given, path, planning, variant))) {
    const references = outputReferences(value)
    const place = { job: variant.job, path: [...path, name] }
    planning.needed.push(...references.map((one) => ({ ...one, ...place })))
    const env = references.length > 0 ? later : known
    env.push([name, value])
  }
  const rest = later.length > 0 ? { envOfNeeds: Object.fromEntries(later) } : {}
  return { env: Object.fromEntries(known), ...rest }
}

export type StepMapping = Exclude<Step, string>
