import { NarwhalError } from '../../../../lib/errors.ts'
import type { OciIdMapping } from './oci-json.ts'
import type { ContainerUser } from './users/container-user.ts'

/** The ids of a container's user namespace, the same for users and groups. */
export interface IdMap {
  /**
   * The container's id 0 in the user namespace of the runtime. 0 if that one is already mapped, as with
   * an ordinary user's outer namespace: then the container's is a second one with the same ids.
   */
  readonly firstId: number
  /** How many ids there are, from 0. */
  readonly count: number
}

/**
 * Two extents for a map onto itself: a user namespace below one that an ordinary user has mapped in two
 * extents (root, then the others) may not be mapped by one that spans both.
 */
export function idMappings({ firstId, count }: IdMap): readonly OciIdMapping[] {
  if (firstId !== 0) return [{ containerID: 0, hostID: firstId, size: count }]
  return [
    { containerID: 0, hostID: 0, size: 1 },
    { containerID: 1, hostID: 1, size: count - 1 },
  ]
}

/** Throws `invalid` for a user with an id that the container doesn't have. */
export function checkMapped({ uid, gid, groups }: ContainerUser, { count }: IdMap): void {
  const beyond = [uid, gid, ...groups].find((id) => id >= count)
  if (beyond === undefined) return
  throw new NarwhalError(
    'invalid',
    `the container's user has the id ${beyond}, but its user namespace has only the ids 0 to ${count - 1}: use a lower id in the image, or run its jobs without a user namespace`,
  )
}
