import type { JobSpec } from '../../../core/plan.ts'
import type { Defaults } from '../schema/file.ts'
import type { Job } from '../schema/job.ts'
import { durationMs, memoryBytes } from '../schema/limits.ts'
import { isLabel } from '../schema/names.ts'
import { secretsByVariable } from '../schema/secrets.ts'
import { printable, quote } from '../words.ts'
import { type Combination, expandMatrix } from './matrix.ts'
import { needNames } from './needs.ts'
import { planConcurrency } from './plan-concurrency.ts'
import { planServices } from './plan-services.ts'
import { planSteps } from './plan-step.ts'
import { fill, fillImage, type Planning, planEnvOfNeeds, type Variant } from './planning.ts'
import { checkNames, judge } from './when.ts'

/** A job as the file has it, with what it takes from the file's top. */
export interface NamedJob {
  readonly name: string
  readonly job: Job
  readonly path: readonly PropertyKey[]
}

const LONGEST_NAME = 100
/** When `retry` is only a number. */
const USUAL_RETRY: NonNullable<JobSpec['retry']>['on'] = ['failure', 'timeout']

/** The job, once for each combination of its matrix; `needs` are still the names of the file. */
export function planVariants(named: NamedJob, planning: Planning, defaults: Defaults): JobSpec[] {
  const { name, job, path } = named
  const { combinations, issues } = job.matrix
    ? expandMatrix(job.matrix, [...path, 'matrix'], planning.textAt)
    : { combinations: [new Map() as Combination], issues: [] }
  planning.issues.push(...issues)
  const axes = [...new Set(combinations.flatMap((one) => [...one.keys()]))]
  const known = { inputs: planning.inputNames, axes }
  planning.issues.push(...checkNames(job.when, known, [...path, 'when']))
  const used = new Set<string>()
  return combinations.map((combination) => {
    const variant = { combination, axes, path, job: path }
    const spec = planVariant(job, variant, planning, defaults)
    return { name: nameOf(name, combination, used), ...spec }
  })
}

function planVariant(
  job: Job,
  variant: Variant,
  planning: Planning,
  defaults: Defaults,
): Omit<JobSpec, 'name'> {
  const { path, combination } = variant
  const all = needNames(job)
  const judgement = judge(job.when, { ...planning, combination })
  const steps = planSteps(job.steps, variant, planning, defaults)
  const leftOut = !judgement.holds
    ? judgement.reason
    : steps.length === 0
      ? 'none of its steps is run for this commit'
      : undefined
  const runsOn = judgement.holds ? judgement.runsOn : undefined
  if (runsOn && all.length === 0) {
    const message = 'status asks what became of other jobs, but this one needs none'
    planning.issues.push({ path: [...path, 'when'], message, at: 'key' })
  }
  const { env, ...envOfNeeds } = planEnvOfNeeds(job.env, variant, planning)
  return {
    ...(job.image === undefined ? {} : { image: fillImage(job.image, variant, planning) }),
    env: { ...matrixEnv(combination), ...env },
    ...envOfNeeds,
    ...(job.outputs ? { outputs: [...new Set(job.outputs)] } : {}),
    ...secretsOf(job, path, planning),
    needs: all,
    labels: labelsOf(job.labels ?? defaults.labels ?? [], variant, planning),
    steps,
    ...(job.network ? { network: job.network } : {}),
    ...(job.services && Object.keys(job.services).length > 0
      ? { services: planServices(job.services, variant, planning) }
      : {}),
    ...planLimits(job, defaults),
    ...planConcurrency(job.concurrency, [...path, 'concurrency'], planning, variant),
    ...(runsOn ? { runsOn } : {}),
    ...(leftOut === undefined ? {} : { leftOut }),
  }
}

/** `test (20, alpine)`. */
function nameOf(name: string, combination: Combination, used: Set<string>): string {
  if (combination.size === 0) return name
  const values = [...combination.values()].map(({ text }) => printable(text)).join(', ')
  const short = values.length > LONGEST_NAME ? `${values.slice(0, LONGEST_NAME)}…` : values
  const base = `${name} (${short.toWellFormed()})`
  let unique = base
  for (let i = 2; used.has(unique); i++) unique = `${base} ${i}`
  used.add(unique)
  return unique
}

function matrixEnv(combination: Combination): Record<string, string> {
  return Object.fromEntries(
    [...combination].map(([axis, { text }]) => [`NARWHAL_MATRIX_${axis.toUpperCase()}`, text]),
  )
}

/** A variable is a secret or one of the job's own, and not both. */
function secretsOf(
  { secrets, env = {} }: Job,
  path: readonly PropertyKey[],
  { issues }: Planning,
): Pick<JobSpec, 'secrets'> {
  const given = Object.entries(secrets ? secretsByVariable(secrets) : {})
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

function planLimits(job: Job, defaults: Defaults): Partial<JobSpec> {
  const { timeout, retry, resources } = { ...defaults, ...present(job) }
  const { priority, clone } = job
  const depth = clone === 'none' ? undefined : clone?.depth
  const { cpu, memory } = resources ?? {}
  const { count, on = USUAL_RETRY } = typeof retry === 'object' ? retry : { count: retry ?? 0 }
  return {
    ...(timeout === undefined ? {} : { timeoutMs: durationMs(timeout) }),
    ...(count === 0 ? {} : { retry: { count, on: [...new Set(on)] } }),
    ...(priority ? { priority } : {}),
    ...(clone === 'none' ? { clone } : depth === undefined ? {} : { clone: { depth } }),
    ...(job.allow_failure ? { allowFailure: true } : {}),
    ...(resources
      ? {
          resources: {
            ...(cpu === undefined ? {} : { cpus: cpu }),
            ...(memory === undefined ? {} : { memoryBytes: memoryBytes(memory) }),
          },
        }
      : {}),
  }
}

function present({ timeout, retry, resources }: Job): Partial<Job> {
  return {
    ...(timeout === undefined ? {} : { timeout }),
    ...(retry === undefined ? {} : { retry }),
    ...(resources === undefined ? {} : { resources }),
  }
}
