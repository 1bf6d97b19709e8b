import { readdir, rename } from 'node:fs/promises'
import { hasCode } from '../../../lib/errors.ts'
import { runProgram } from '../layer/run-program.ts'
import type { StoreFolder } from './store-folder.ts'

/** Takes a path out of sight at once; what it had is deleted by `emptyTrash`. Idempotent. */
export async function discard(folder: StoreFolder, path: string): Promise<void> {
  await rename(path, folder.newTrash()).catch((error: unknown) => {
    if (!hasCode(error, 'ENOENT')) throw error
  })
}

/**
 * Deletes what was discarded, by this process or another; resolves when it is gone. As an ordinary user, the
 * files belong to ids of the user namespace.
 */
export async function emptyTrash(folder: StoreFolder, signal: AbortSignal): Promise<void> {
  const names = await readdir(folder.join('trash'))
  if (names.length === 0) return
  const paths = names.map((name) => folder.join('trash', name))
  // It descends by folder handles, so that no tree is too deep.
  const rm = ['nice', '-n', '19', 'rm', '-rf', '--', ...paths]
  await runProgram([...folder.rights.enter, ...rm], { signal })
}
