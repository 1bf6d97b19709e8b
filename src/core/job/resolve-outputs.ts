import { fillOutputs, type Outputs } from '../plan/outputs.ts'
import type { JobSpec } from '../plan/plan.ts'
import { type Job, outputsOf } from './job.ts'

interface HasEnv {
  readonly env: Readonly<Record<string, string>>
  readonly envOfNeeds?: Readonly<Record<string, string>>
}

/**
 * The job as a runner gets it: outputs of the jobs that it needs are filled into its environment, and nowhere
 * else. An output that is missing, or of a skipped job, is empty.
 */
export function resolveOutputs(spec: JobSpec, jobs: readonly Job[]): JobSpec {
  const outputsOfNeed = (need: string): Outputs => {
    const job = spec.needs.includes(need) ? jobs.find((one) => one.spec.name === need) : undefined
    return (job && outputsOf(job)) ?? {}
  }
  const fill = <Part extends HasEnv>({ envOfNeeds, ...part }: Part): Omit<Part, 'envOfNeeds'> => {
    const filled = Object.entries(envOfNeeds ?? {}).map(([name, text]) => [
      name,
      fillOutputs(text, outputsOfNeed),
    ])
    return { ...part, env: { ...part.env, ...Object.fromEntries(filled) } }
  }
  return { ...fill(spec), steps: spec.steps.map(fill) }
}
