import { readdir, rename } from 'node:fs/promises'
import { hasCode } from '../../../lib/errors.ts'
import { runProgram } from '../layer/run-program.ts'
import { isOwnerAlive, ownOwner } from './owner.ts'
import type { StoreFolder } from './store-folder.ts'

const NEVER = new AbortController().signal

/** Takes a path out of sight at once; what it had is deleted by `emptyTrash`. Idempotent. */
export async function discard(folder: StoreFolder, path: string): Promise<void> {
  await rename(path, folder.newTrash()).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error
  })
}

/**
 * Deletes what was discarded, by this process or one that has ended; also what such a one had half-made.
 * Resolves when it is gone. As an ordinary user, the files belong to ids of the user namespace.
 */
export async function emptyTrash(folder: StoreFolder, signal: AbortSignal = NEVER): Promise<void> {
  await discardLeftovers(folder)
  const names = await readdir(folder.join('trash'))
  if (names.length === 0) return
  const paths = names.map((name) => folder.join('trash', name))
  // It descends by folder handles, so that no tree is too deep.
  const rm = ['nice', '-n', '19', 'rm', '-rf', '--', ...paths]
  await runProgram([...folder.rights.enter, ...rm], { signal })
}

async function discardLeftovers(folder: StoreFolder): Promise<void> {
  for (const owner of await readdir(folder.join('work'))) {
    if (owner !== ownOwner() && !isOwnerAlive(owner)) {
      await discard(folder, folder.join('work', owner))
    }
  }
}
