import type { GroupPlace } from '../../core/concurrency/group-places.ts'
import type { StoreWriter } from '../../store/store.ts'

/** Takes all places, or says that nothing is to be written now. */
export async function enterGroups(
  write: StoreWriter,
  places: readonly GroupPlace[],
): Promise<boolean> {
  for (const place of places) {
    if (!(await write.groups.enter(place, place.concurrency))) return false
  }
  return true
}
