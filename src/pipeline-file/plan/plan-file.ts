import { isOnRequest } from '../../core/event-actions.ts'
import type { JobSpec, PipelinePlan } from '../../core/plan/plan.ts'
import { present } from '../../lib/present.ts'
import type { Issue } from '../issues.ts'
import { limits } from '../limits.ts'
import type { JobsFile, SingleJobFile } from '../schema/file.ts'
import type { When } from '../schema/when.ts'
import { quote } from '../words.ts'
import { beginAt } from './begin-at.ts'
import { checkOutputs } from './check-outputs.ts'
import { planInputs } from './inputs.ts'
import { planNeeds } from './needs.ts'
import { checkGroups, planConcurrency } from './plan-concurrency.ts'
import { planVariants } from './plan-job.ts'
import { type Planning, planEnv, type Reading } from './planning.ts'
import { checkTemplates, type NamedJob, useTemplate, type WholeJob } from './use-template.ts'
import { checkNames, isNamedBy, judge } from './when.ts'

const UNNAMED_PIPELINE = 'pipeline'
/** The job's name in a file that is one job. */
const SINGLE_JOB = 'main'

/** The plan for a commit, or the issues. */
export type PlannedFile = PipelinePlan | Issue[]

export function planSingleJob(file: SingleJobFile, reading: Reading): PlannedFile {
  const { name, inputs, ...job } = file
  return planAll({ name, inputs }, [{ name: SINGLE_JOB, job, path: [] }], reading)
}

/** `order`: the names of the jobs in file order; a JavaScript object puts numeric keys first. */
export function planJobs(file: JobsFile, order: readonly string[], reading: Reading): PlannedFile {
  const named = order.flatMap((name): NamedJob[] => {
    const given = file.jobs[name]
    if (!given) return []
    const used = useTemplate(name, given, file.templates ?? {})
    const image = used.job.image ?? file.image
    return [{ ...used, job: { ...used.job, ...(image ? { image } : {}) } }]
  })
  return planAll(file, named, reading)
}

type Top = Pick<
  JobsFile,
  'name' | 'inputs' | 'defaults' | 'env' | 'when' | 'concurrency' | 'templates'
>

function planAll(top: Top, named: readonly NamedJob[], reading: Reading): PlannedFile {
  const { values, issues } = planInputs(top.inputs ?? {}, reading.facts)
  const inputNames = Object.keys(top.inputs ?? {})
  const known = { facts: reading.facts, inputs: values }
  const onlyNamed = isOnRequest(reading.facts) && !isNamedBy(top.when, known)
  const planning: Planning = {
    ...reading,
    inputs: values,
    inputNames,
    issues,
    needed: [],
    onlyNamed,
    notNamed: new Set(),
  }
  issues.push(...checkTemplates(top.templates ?? {}))
  const tooMuch = weigh(named, reading)
  if (tooMuch) return [tooMuch]
  const shared = {
    ...Object.fromEntries(
      [...values].map(([name, value]) => [`NARWHAL_INPUT_${name.toUpperCase()}`, String(value)]),
    ),
    ...planEnv(top.env, ['env'], planning),
  }
  const variants = new Map<string, JobSpec[]>()
  for (const one of named) {
    const specs = planVariants(one, planning, top.defaults ?? {})
    variants.set(
      one.name,
      specs.map((spec) => ({ ...spec, env: { ...shared, ...spec.env } })),
    )
  }
  judgeFile(top.when, variants, planning)
  leaveOutUnasked(named, variants, planning)
  const done = beginAt(planning.facts.from, named, variants, planning)
  const concurrency = planConcurrency(top.concurrency, ['concurrency'], planning)
  issues.push(...checkOutputs(planning.needed, named))
  issues.push(...checkGroups(concurrency.concurrency, named, variants))
  if (issues.length > 0) return issues
  const jobs = planNeeds(named, variants, done)
  const selection = selectionOf(jobs, planning)
  return { name: top.name ?? UNNAMED_PIPELINE, jobs, ...concurrency, ...present({ selection }) }
}

function selectionOf(
  jobs: readonly JobSpec[],
  { facts, notNamed }: Planning,
): PipelinePlan['selection'] {
  if (!isOnRequest(facts)) return undefined
  if (jobs.every(({ leftOut }) => leftOut !== undefined)) return 'nothing'
  return notNamed.size > 0 ? 'part' : 'whole'
}

/** The file's own `when` applies to every job. */
function judgeFile(
  when: When | undefined,
  variants: Map<string, JobSpec[]>,
  planning: Planning,
): void {
  planning.issues.push(
    ...checkNames(when, { inputs: planning.inputNames, matrix: [], params: [] }, ['when']),
  )
  const judgement = judge(when, { ...planning, onlyNamed: false })
  if (judgement.holds && judgement.runsOn) {
    const message = 'status is for jobs and steps: nothing comes before the pipeline'
    planning.issues.push({ path: ['when'], message, at: 'key' })
  }
  if (judgement.holds) return
  for (const [name, specs] of variants) {
    variants.set(
      name,
      specs.map((spec) => ({ ...spec, leftOut: judgement.reason })),
    )
  }
}

/** Runs only the requested jobs and their needs. */
function leaveOutUnasked(
  named: readonly NamedJob[],
  variants: Map<string, JobSpec[]>,
  { facts, issues }: Planning,
): void {
  if (facts.jobs === undefined) return
  const wanted = new Set<string>()
  const left = [...facts.jobs]
  for (let name = left.pop(); name !== undefined; name = left.pop()) {
    const specs = variants.get(name)
    if (!specs) {
      const message = `has no job ${quote(name)}: use one of ${named.map((one) => one.name).join(', ')}`
      issues.push({ path: [], message, at: 'value' })
    }
    if (!wanted.has(name)) left.push(...(specs?.[0]?.needs ?? []))
    wanted.add(name)
  }
  for (const [name, specs] of variants) {
    if (wanted.has(name)) continue
    variants.set(
      name,
      specs.map((spec) => ({ leftOut: 'it was not requested', ...spec })),
    )
  }
}

/** Matrices multiply the file's content; that must stay within its limits, too. */
function weigh(named: readonly NamedJob[], { weightAt }: Reading): Issue | undefined {
  const shared = weightAt(['env'])
  let jobs = 0
  let characters = 0
  for (const { job, path, template } of named) {
    const count = countCombinations(job)
    jobs += count
    const used = template ? weightAt(template.path) : 0
    characters += count * (shared + used + weightAt(path))
  }
  if (jobs > limits.jobs) {
    const message = `with their matrices there are ${jobs} jobs: at most ${limits.jobs} are allowed`
    return { path: ['jobs'], message, at: 'key' }
  }
  if (characters <= limits.characters) return undefined
  const message = `is too much text for ${jobs} jobs: with a copy for each there are more than ${limits.characters} characters`
  return { path: ['env'], message, at: 'key' }
}

function countCombinations({ matrix }: WholeJob): number {
  if (!matrix) return 1
  const { include = [], exclude: _, ...axes } = matrix
  const lists = Object.values(axes)
  const product = lists.reduce((count, values) => count * values.length, 1)
  return (lists.length === 0 ? 0 : product) + include.length
}
