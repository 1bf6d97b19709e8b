import type { JobSpec, PipelinePlan, StepSpec } from '../../core/plan.ts'
import { commandToScript } from './schema/command.ts'
import type { Env } from './schema/env.ts'
import type { JobsFile, SingleJobFile } from './schema/file.ts'
import type { Job } from './schema/job.ts'
import { durationMs, memoryBytes } from './schema/limits.ts'
import type { Step } from './schema/step.ts'

/** The scalar at a path as the file writes it. */
export type TextAt = (path: readonly PropertyKey[]) => string | undefined

const UNNAMED_PIPELINE = 'pipeline'
/** The job of a file that is one job. */
const SINGLE_JOB = 'main'
const LONGEST_DERIVED_NAME = 60

export function planSingleJob({ name, ...job }: SingleJobFile, textAt: TextAt): PipelinePlan {
  return { name: name ?? UNNAMED_PIPELINE, jobs: [planJob(SINGLE_JOB, job, [], textAt)] }
}

/** `order` are the names of the jobs as the file has them: a JavaScript object puts numbers first. */
export function planJobs(file: JobsFile, order: readonly string[], textAt: TextAt): PipelinePlan {
  const shared = planEnv(file.env, ['env'], textAt)
  const jobs = order.flatMap((name): JobSpec[] => {
    const job = file.jobs[name]
    if (!job) return []
    const image = job.image ?? file.image
    const plan = planJob(name, { ...job, ...(image ? { image } : {}) }, ['jobs', name], textAt)
    return [{ ...plan, env: { ...shared, ...plan.env } }]
  })
  return { name: file.name ?? UNNAMED_PIPELINE, jobs }
}

function planJob(name: string, job: Job, path: readonly PropertyKey[], textAt: TextAt): JobSpec {
  const { image, env, needs = [], labels = [], steps } = job
  const used = new Set(steps.flatMap((step) => (typeof step === 'string' ? [] : (step.name ?? []))))
  return {
    name,
    ...(image === undefined ? {} : { image }),
    env: planEnv(env, [...path, 'env'], textAt),
    needs: [...new Set(typeof needs === 'string' ? [needs] : needs)],
    labels: [...new Set(labels)],
    steps: steps.map((step, i) => planStep(step, used, [...path, 'steps', i], textAt)),
    ...planLimits(job),
  }
}

function planLimits(job: Job): Partial<JobSpec> {
  const { timeout, retry, priority, resources } = job
  const { cpu, memory } = resources ?? {}
  const { count, on = USUAL_RETRY } = typeof retry === 'object' ? retry : { count: retry ?? 0 }
  return {
    ...(timeout === undefined ? {} : { timeoutMs: durationMs(timeout) }),
    ...(count === 0 ? {} : { retry: { count, on: [...new Set(on)] } }),
    ...(priority ? { priority } : {}),
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

/** When `retry` is only a number. */
const USUAL_RETRY: NonNullable<JobSpec['retry']>['on'] = ['failure', 'timeout']

function planStep(
  step: Step,
  used: Set<string>,
  path: readonly PropertyKey[],
  textAt: TextAt,
): StepSpec {
  const mapping: Exclude<Step, string> = typeof step === 'string' ? { command: step } : step
  const { name, command, dependencies = [], env, timeout, shell } = mapping
  const script = commandToScript(command)
  return {
    name: name ?? deriveName(script, used),
    command: script,
    dependencies: [...new Set(dependencies)],
    env: planEnv(env, [...path, 'env'], textAt),
    ...(mapping.working_directory === undefined
      ? {}
      : { workingDirectory: mapping.working_directory }),
    ...(shell === undefined || shell === 'sh' ? {} : { shell }),
    ...(timeout === undefined ? {} : { timeoutMs: durationMs(timeout) }),
    ...(mapping.retry ? { retries: mapping.retry } : {}),
    ...(mapping.allow_failure ? { allowFailure: true } : {}),
  }
}

/** The beginning of the script on one line, with a number where another step has that name. */
function deriveName(script: string, used: Set<string>): string {
  const line = script.replace(/[\p{C}\p{Z}]+/gu, ' ').trim()
  const short = Array.from(line.slice(0, 2 * LONGEST_DERIVED_NAME)).slice(0, LONGEST_DERIVED_NAME)
  const base = short.join('').trim() || 'step'
  let name = base
  for (let i = 2; used.has(name); i++) name = `${base} (${i})`
  used.add(name)
  return name
}

/** Numbers and booleans as they are written: `1.10` stays `1.10`. */
function planEnv(
  env: Env | undefined,
  path: readonly PropertyKey[],
  textAt: TextAt,
): Record<string, string> {
  const entries = Object.entries(env ?? {}).map(([name, value]): [string, string] => {
    if (typeof value === 'string') return [name, value]
    return [name, textAt([...path, name]) ?? String(value)]
  })
  return Object.fromEntries(entries)
}
