import { join } from 'node:path'
import { NarwhalError } from '../../../lib/errors.ts'
import { runProgram } from '../layer/run-program.ts'
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
const ENTER = ['unshare', '--user', '--map-auto', '--map-root-user', '--'] as const

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
    const form = {
      first: 0,
      count: await countIds(),
      overlay: 'user.overlay.',
      devices: false,
    } as const
    const widenIds = 'give this user a longer range in /etc/subuid and /etc/subgid'
    const folder = new StoreFolder(path, form, { enter: ENTER, isRoot })
    return ImageStore.open({ folder, widenIds })
  }
  const { first } = ids
  const count = first === 0 ? ALL_IDS : ids.count
  const form = { first, count, overlay: 'trusted.overlay.', devices: first === 0 } as const
  const widenIds = 'give them a longer range, or build the image with lower ids'
  return ImageStore.open({ folder: new StoreFolder(path, form, { enter: [], isRoot }), widenIds })
}

/** How many ids from 0 there are in the user namespace. */
async function countIds(): Promise<number> {
  try {
    const signal = AbortSignal.timeout(10_000)
    const maps = ['cat', '/proc/self/uid_map', '/proc/self/gid_map']
    const text = await runProgram([...ENTER, ...maps], { signal })
    const rows = text
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/).map(Number))
    const lengths = rows.map(([inside = 0, , length = 0]) => inside + length)
    // Both maps have a row for root and one for the others.
    return Math.min(Math.max(...lengths.slice(0, 2)), Math.max(...lengths.slice(2)))
  } catch (cause) {
    const words =
      "images can't be unpacked: this user has no subordinate ids, or may not use them: install newuidmap (apt: uidmap), and add ranges of 65536 ids to /etc/subuid and /etc/subgid"
    throw new NarwhalError('unavailable', words, { cause })
  }
}
