import { groupPlaces } from '../../core/concurrency/group-places.ts'
import { waitingJob } from '../../core/placement/waiting-job.ts'
import { present } from '../../lib/present.ts'
import type { Reads } from '../../store/store.ts'
import type { GroupedWaiting } from './group-gate.ts'

/** How many waiting jobs of other dispatchers are shown. */
const MOST_SHOWN = 1_000

/** The jobs of all dispatchers that wait for a runner. */
export async function listWaiting(
  store: Reads<'jobs'>,
  maxPriority: number,
): Promise<GroupedWaiting[]> {
  const queued = await store.jobs.listQueued(MOST_SHOWN)
  return queued.flatMap(({ job, repositoryName, concurrency, isStranger }) => {
    if (job.state.status !== 'queued') return []
    const { pipelineId, spec } = job
    // Its followers are known only to its owner; without them it ranks a little lower.
    const place = waitingJob(job, {
      queuedAt: job.state.queuedAt,
      followers: 0,
      isStranger,
      maxPriority,
    })
    const pipeline = { id: pipelineId, ...present({ concurrency }) }
    const groups = groupPlaces(job, pipeline)
    return [{ job: place, pipelineId, repositoryName, name: spec.name, groups }]
  })
}
