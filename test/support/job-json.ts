import { jobToJson, planToJson } from '../../src/contract/plan/plan-json.ts'
import type { JobSpec, StepSpec } from '../../src/core/plan/plan.ts'

export type SomeJob = Partial<Omit<JobSpec, 'steps'>> & { readonly steps?: readonly SomeStep[] }
export type SomeStep = Partial<StepSpec>

/** A job whose other fields are empty. */
export function jobWith({ steps = [], ...job }: SomeJob): JobSpec {
  return { name: 'job', env: {}, needs: [], labels: [], steps: steps.map(stepWith), ...job }
}

function stepWith(step: SomeStep, index: number): StepSpec {
  return { name: `step ${index}`, command: '', dependencies: [], env: {}, ...step }
}

export const jobJson = (job: SomeJob): string => jobToJson(jobWith(job))

export const planJson = (jobs: readonly SomeJob[]): string =>
  planToJson({ name: 'x', jobs: jobs.map(jobWith) })
