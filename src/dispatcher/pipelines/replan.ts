import { isDeepStrictEqual } from 'node:util'
import type { Job } from '../../core/job/job.ts'
import { type PipelineDraft, settlePipeline } from '../../core/pipeline/advance-pipeline.ts'
import type { Pipeline } from '../../core/pipeline/pipeline.ts'
import { present } from '../../lib/present.ts'
import { type PlannedOnRunner, type PlanRules, withPlan } from './plan-pipeline.ts'

/**
 * The pipeline as planned anew, because more is known about its event. Jobs that have begun stay as they are,
 * the others follow the new plan: those that were left out may run now, and the other way round. A pipeline
 * that was cancelled, or whose file has problems, stays.
 */
export function withReplan(
  draft: PipelineDraft,
  plan: PlannedOnRunner,
  rules: PlanRules,
): PipelineDraft {
  const { pipeline } = draft
  if (!plan.planned.file.ok || isOverForGood(draft)) return draft
  const blank: Pipeline = { ...pipeline, state: { status: 'pending' } }
  const anew = withPlan({ pipeline: withoutApproval(blank), jobs: [] }, plan, rules)
  const old = new Map(draft.jobs.map((job) => [job.spec.name, job]))
  const jobs = anew.jobs.map((job) => followPlan(old.get(job.spec.name), job))
  const isSame = jobs.length === draft.jobs.length && jobs.every((job) => draft.jobs.includes(job))
  const approval =
    pipeline.approval?.status === 'given' ? pipeline.approval : anew.pipeline.approval
  if (isSame && approval?.status === pipeline.approval?.status) return draft
  const { concurrency, included, target, changed } = anew.pipeline
  const replanned: Pipeline = {
    ...withoutApproval(pipeline),
    ...present({ concurrency, included, target, changed, approval }),
  }
  const kept = draft.jobs.filter(
    ({ spec }) => !anew.jobs.some((job) => job.spec.name === spec.name),
  )
  return settlePipeline({ pipeline: replanned, jobs: [...jobs, ...kept] }, rules.at)
}

function isOverForGood({ pipeline: { state }, jobs }: PipelineDraft): boolean {
  if (state.status !== 'finished') return false
  return state.outcome === 'cancelled' || jobs.length === 0
}

function withoutApproval(pipeline: Pipeline): Pipeline {
  const { approval: _, ...rest } = pipeline
  return rest
}

/** A job that has not begun takes the new plan's part, with its id and place in the queue. */
function followPlan(old: Job | undefined, anew: Job): Job {
  if (!old) return anew
  if (hasBegun(old)) return old
  const state = old.state.status === anew.state.status ? old.state : anew.state
  const spec = isDeepStrictEqual(old.spec, anew.spec) ? old.spec : anew.spec
  if (state === old.state && spec === old.spec) return old
  // Why it is left out belongs to its state.
  return { ...old, spec, state: spec === old.spec ? state : anew.state }
}

function hasBegun({ state, spec, attempts }: Job): boolean {
  if (attempts.length > 0) return true
  if (state.status === 'finished') return spec.leftOut === undefined
  return state.status !== 'blocked' && state.status !== 'queued'
}
