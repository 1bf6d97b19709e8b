import type { JobId } from '../ids.ts'
import type { PipelineDraft } from './advance-pipeline.ts'

/** Whether a pipeline, or one of its jobs, was cancelled at exactly this time. */
export function wasCancelled(
  { pipeline, jobs }: PipelineDraft,
  at: number,
  only: JobId | undefined,
): boolean {
  const states = [
    pipeline.state,
    ...jobs.filter(({ id }) => !only || id === only).map((job) => job.state),
  ]
  return states.some(
    (state) =>
      state.status === 'finished' && state.outcome === 'cancelled' && state.finishedAt === at,
  )
}
