import type { RepositoryId } from '../ids.ts'
import type { Job } from '../job/job.ts'
import type { Pipeline } from '../pipeline/pipeline.ts'
import { compareText } from '../placement/load.ts'
import type { Concurrency, GroupMember } from './concurrency.ts'

/** A slot that a job needs in a group: its own, or its pipeline's. */
export interface GroupPlace {
  readonly id: GroupMember['id']
  readonly repositoryId: RepositoryId
  readonly concurrency: Concurrency
}

/** Always in the same order, to avoid deadlock. */
export function groupPlaces(
  { id, repositoryId, spec }: Job,
  pipeline: Pick<Pipeline, 'id' | 'concurrency'>,
): GroupPlace[] {
  const places: GroupPlace[] = []
  if (pipeline.concurrency) {
    places.push({ id: pipeline.id, repositoryId, concurrency: pipeline.concurrency })
  }
  if (spec.concurrency) places.push({ id, repositoryId, concurrency: spec.concurrency })
  return places.sort((a, b) => compareText(a.concurrency.group, b.concurrency.group))
}
