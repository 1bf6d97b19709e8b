import { REGISTRY_LOGIN } from '../../core/plan/image-pull.ts'
import type { JobSpec } from '../../core/plan/plan.ts'
import { present } from '../../lib/present.ts'
import type { Defaults } from '../schema/file.ts'
import { isLabel } from '../schema/parts/names.ts'
import { secretsByVariable } from '../schema/secrets.ts'
import { printable, quote } from '../words.ts'
import type { NamedValues } from './facts.ts'
import { expandMatrix } from './matrix.ts'
import { needNames } from './needs.ts'
import { planConcurrency } from './plan-concurrency.ts'
import { planIdTokens } from './plan-id-tokens.ts'
import { planLimits } from './plan-limits.ts'
import { planServices } from './plan-services.ts'
import { planSteps } from './plan-step.ts'
import { fill, fillImage, type Planning, planEnvOfNeeds, type Variant } from './planning.ts'
import { type NamedJob, placeOf, planParams, type WholeJob } from './use-template.ts'
import { checkNames, judge } from './when.ts'

const LONGEST_NAME = 100

/** The job, once for each combination of its matrix; `needs` still has the names as written in the file. */
export function planVariants(named: NamedJob, planning: Planning, defaults: Defaults): JobSpec[] {
  const { name, job, path, template } = named
  const { combinations, issues } = job.matrix
    ? expandMatrix(job.matrix, [...placeOf(named, 'matrix'), 'matrix'], planning.textAt)
    : { combinations: [new Map() as NamedValues], issues: [] }
  planning.issues.push(...issues)
  const axes = [...new Set(combinations.flatMap((one) => [...one.keys()]))]
  const params = Object.keys(template?.params ?? {})
  const names = { inputs: planning.inputNames, matrix: axes, params }
  planning.issues.push(
    ...checkNames(job.when, names, [...placeOf(named, 'when'), 'when'], (output, at) => {
      planning.needed.push({ ...output, job: path, path: at })
    }),
  )
  const used = new Set<string>()
  return combinations.map((combination) => {
    const values = planParams(named, combination, planning)
    const variant = { combination, names, params: values, path, job: path }
    const spec = planVariant(named, variant, planning, defaults)
    return { name: nameOf(name, combination, used), ...spec }
  })
}

function planVariant(
  named: NamedJob,
  variant: Variant,
  planning: Planning,
  defaults: Defaults,
): Omit<JobSpec, 'name'> {
  const { job } = named
  /** The variant with the path of the mapping that has this key. */
  const at = (key: keyof WholeJob): Variant => ({ ...variant, path: placeOf(named, key) })
  const all = needNames(job)
  const judgement = judge(job.when, { ...planning, ...variant })
  const steps = planSteps(job.steps, at('steps'), planning, defaults)
  const leftOut = !judgement.holds
    ? judgement.reason
    : steps.length === 0
      ? 'none of its steps is run for this commit'
      : undefined
  const { runsOn, onlyIf } = judgement.holds ? judgement : {}
  const mayHold = { ...planning, ...variant, onlyNamed: false }
  if (planning.onlyNamed && !judgement.holds && judge(job.when, mayHold).holds) {
    planning.notNamed.add(named.name)
  }
  if (runsOn && all.length === 0) {
    const message = 'status depends on other jobs, but this job needs none'
    planning.issues.push({ path: [...placeOf(named, 'when'), 'when'], message, at: 'key' })
  }
  const group = [...placeOf(named, 'concurrency'), 'concurrency']
  return {
    ...present({ image: job.image && fillImage(job.image, at('image'), planning) }),
    ...(job.pull && job.pull !== 'missing' ? { pull: job.pull } : {}),
    ...planJobEnv(named, variant, planning),
    ...present({ outputs: job.outputs && [...new Set(job.outputs)] }),
    ...secretsOf(job, placeOf(named, 'env'), planning),
    ...planIdTokens(named, planning),
    needs: all,
    labels: labelsOf(job.labels ?? defaults.labels ?? [], at('labels'), planning),
    steps,
    ...present({ network: job.network }),
    ...(job.services && Object.keys(job.services).length > 0
      ? { services: planServices(job.services, at('services'), planning) }
      : {}),
    ...planLimits(job, defaults),
    ...planConcurrency(job.concurrency, group, planning, variant),
    ...present({ runsOn, onlyIf, leftOut }),
  }
}

/** By precedence, lowest first: combination and parameters, the template's `env`, the job's own. */
function planJobEnv(
  { job, template }: NamedJob,
  variant: Variant,
  planning: Planning,
): Pick<JobSpec, 'env' | 'envOfNeeds'> {
  const facts = {
    ...prefixed('NARWHAL_MATRIX_', variant.combination),
    ...prefixed('NARWHAL_PARAM_', variant.params),
  }
  const below = planEnvOfNeeds(template?.env, { ...variant, path: template?.path ?? [] }, planning)
  const own = template && !template.own.has('env') ? undefined : job.env
  const above = planEnvOfNeeds(own, variant, planning)
  const envOfNeeds = { ...below.envOfNeeds, ...above.envOfNeeds }
  for (const name of Object.keys(above.env)) delete envOfNeeds[name]
  return {
    env: { ...facts, ...below.env, ...above.env },
    ...(Object.keys(envOfNeeds).length > 0 ? { envOfNeeds } : {}),
  }
}

/** `test (20, alpine)`. */
function nameOf(name: string, combination: NamedValues, used: Set<string>): string {
  if (combination.size === 0) return name
  const values = [...combination.values()].map(({ text }) => printable(text)).join(', ')
  const short = values.length > LONGEST_NAME ? `${values.slice(0, LONGEST_NAME)}…` : values
  const base = `${name} (${short.toWellFormed()})`
  let unique = base
  for (let i = 2; used.has(unique); i++) unique = `${base} ${i}`
  used.add(unique)
  return unique
}

function prefixed(prefix: string, values: Variant['params']): Record<string, string> {
  return Object.fromEntries(
    [...values].map(([name, { text }]) => [`${prefix}${name.toUpperCase()}`, text]),
  )
}

/** The secrets of a job; their variables must not be in its `env`. */
function secretsOf(
  { secrets, registry_login: login, env = {} }: WholeJob,
  path: readonly PropertyKey[],
  { issues }: Planning,
): Pick<JobSpec, 'secrets'> {
  const given = [
    ...Object.entries(secrets ? secretsByVariable(secrets) : {}),
    ...(login === undefined ? [] : [[REGISTRY_LOGIN, login] as const]),
  ]
  if (given.length === 0) return {}
  for (const [variable] of given) {
    if (!Object.hasOwn(env, variable)) continue
    const message = `is one of the secrets as well: give one of them another name`
    issues.push({ path: [...path, 'env', variable], message, at: 'key' })
  }
  return { secrets: Object.fromEntries(given) }
}

function labelsOf(labels: readonly string[], variant: Variant, planning: Planning): string[] {
  const filled = labels.map((one, i) => {
    const path = [...variant.path, 'labels', i]
    const word = fill(one, variant, path, planning)
    if (!isLabel(word)) {
      planning.issues.push({ path, message: `can't be a label: ${quote(word)}`, at: 'value' })
    }
    return word
  })
  return [...new Set(filled)]
}
