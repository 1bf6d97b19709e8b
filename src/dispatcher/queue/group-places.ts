import type { Concurrency, GroupMember } from '../../core/concurrency/concurrency.ts'
import type { RepositoryId } from '../../core/ids.ts'
import { compareText } from '../../core/placement/load.ts'
import type { JobRecord, PipelineRecord } from '../../store/records.ts'
import type { StoreWriter } from '../../store/store.ts'

/** A place that a job needs in a group: its own, or that of its pipeline. */
export interface GroupPlace {
  readonly id: GroupMember['id']
  readonly repositoryId: RepositoryId
  readonly concurrency: Concurrency
}

/** In the order in which they are asked for everywhere, so that nobody waits for another crosswise. */
export function groupPlaces(
  { id, repositoryId, spec }: JobRecord,
  pipeline: Pick<PipelineRecord, 'id' | 'concurrency'>,
): GroupPlace[] {
  const places: GroupPlace[] = []
  if (pipeline.concurrency) {
    places.push({ id: pipeline.id, repositoryId, concurrency: pipeline.concurrency })
  }
  if (spec.concurrency) places.push({ id, repositoryId, concurrency: spec.concurrency })
  return places.sort((a, b) => compareText(a.concurrency.group, b.concurrency.group))
}

/** Takes all places, or says that nothing is to be written now. */
export async function enterGroups(
  write: StoreWriter,
  places: readonly GroupPlace[],
): Promise<boolean> {
  for (const place of places) {
    if (!(await write.enterGroup(place, place.concurrency))) return false
  }
  return true
}
