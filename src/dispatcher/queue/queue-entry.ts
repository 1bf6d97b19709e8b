import { groupPlaces } from '../../core/concurrency/group-places.ts'
import type { Job } from '../../core/job/job.ts'
import { roundOf } from '../../core/job/job-state.ts'
import { waitingJob } from '../../core/placement/waiting-job.ts'
import { dependants } from '../../core/plan/graph.ts'
import type { KeptSecret } from '../../core/secret/secret-rules.ts'
import { isStranger } from '../../core/stranger/stranger.ts'
import type { PipelineLedger } from '../ledger/pipeline-ledger.ts'

/** A job's entry in the queue, without `place`. */
export function queueEntry(
  { draft, repository, event }: PipelineLedger,
  job: Job,
  facts: {
    readonly queuedAt: number
    readonly maxPriority: number
    readonly secrets: readonly KeptSecret[] | undefined
    readonly endsWithoutEngine: boolean | undefined
  },
) {
  const { jobs, pipeline } = draft
  const specs = jobs.map((one) => one.spec)
  const followers = dependants(specs, job.spec.name).size
  return {
    pipelineId: pipeline.id,
    repositoryName: repository.name,
    name: job.spec.name,
    groups: groupPlaces(job, pipeline),
    pipelineNumber: pipeline.number,
    ref: event.ref,
    isAgain: roundOf(job.state) > 1,
    isLate: event.details?.isLate === true,
    job: waitingJob(job, { ...facts, followers, isStranger: isStranger(event.trust) }),
  }
}
