import { readdir, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isAlive, ownOwner } from './owner.ts'
import type { StoreFolder } from './store-folder.ts'
import { discard } from './trash.ts'

/**
 * Discards what processes that have ended had half-made. Finished files of layers are kept for the next pull,
 * which checks them.
 */
export async function discardLeftovers(folder: StoreFolder): Promise<void> {
  for (const owner of await readdir(folder.join('work'))) {
    if (owner === ownOwner() || isAlive(owner)) continue
    const path = folder.join('work', owner)
    await keepBlobs(folder, path)
    await discard(folder, path)
  }
}

async function keepBlobs(folder: StoreFolder, path: string): Promise<void> {
  for (const work of await entriesOf(path)) {
    for (const attempt of await entriesOf(join(path, work))) {
      const blobs = join(path, work, attempt, 'blobs/sha256')
      for (const name of await entriesOf(blobs)) {
        if (!/^[0-9a-f]{64}$/.test(name) || (await isEmptyInside(join(blobs, name)))) continue
        await rename(join(blobs, name), folder.join('blobs', name)).catch(() => {})
      }
    }
  }
}

/** Stands for a layer that was unpacked already: see `copyLayers`. */
async function isEmptyInside(path: string): Promise<boolean> {
  return (await stat(path)).blocks === 0
}

async function entriesOf(path: string): Promise<string[]> {
  return readdir(path).catch(() => [])
}
