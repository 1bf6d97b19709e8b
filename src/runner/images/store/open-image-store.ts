import { join } from 'node:path'
import { NarwhalError } from '../../../lib/errors.ts'
import { findOuterNamespace } from '../../user-namespace/outer-namespace.ts'
import { ImageStore } from './image-store.ts'
import { StoreFolder } from './store-folder.ts'

export interface OpenImageStore {
  /** The runner's data folder. */
  readonly dataDir: string
  /** Whether this process is root. */
  readonly isRoot: boolean
  /**
   * As root: the machine's ids that containers have, `count` from `first`; 0: no user namespace. An ordinary
   * user has its subordinate ids.
   */
  readonly ids: { readonly first: number; readonly count: number }
}

/** Without a user namespace, containers have all ids. */
const ALL_IDS = 0xffff_ffff

/**
 * Opens the images of a runner; its commands on the same machine may open them, too. Rejects with
 * `unavailable` if an ordinary user has no subordinate ids.
 */
export async function openImageStore({
  dataDir,
  isRoot,
  ids,
}: OpenImageStore): Promise<ImageStore> {
  const path = join(dataDir, 'images')
  if (!isRoot) {
    const outer = await findOuterNamespace()
    if (typeof outer === 'string') {
      throw new NarwhalError('unavailable', `images can't be unpacked: ${outer}`)
    }
    const form = {
      first: 0,
      count: outer.count,
      overlay: 'user.overlay.',
      devices: false,
    } as const
    const widenIds = 'give this user a longer range in /etc/subuid and /etc/subgid'
    const folder = new StoreFolder(path, form, { enter: outer.enter, isRoot })
    return ImageStore.open({ folder, widenIds })
  }
  const { first } = ids
  const count = first === 0 ? ALL_IDS : ids.count
  const form = { first, count, overlay: 'trusted.overlay.', devices: first === 0 } as const
  const widenIds = 'give them a longer range, or build the image with lower ids'
  return ImageStore.open({ folder: new StoreFolder(path, form, { enter: [], isRoot }), widenIds })
}
