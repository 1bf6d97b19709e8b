import type { GroupPlace } from '../../core/concurrency/group-places.ts'
import type { Writes } from '../../store/store.ts'

/** Enters all groups; false: one is full, and nothing may be written. */
export async function enterGroups(
  write: Writes<'groups'>,
  places: readonly GroupPlace[],
): Promise<boolean> {
  for (const place of places) {
    if (!(await write.groups.enter(place, place.concurrency))) return false
  }
  return true
}
