import { NarwhalError } from '../../../../lib/errors.ts'
import { withHiddenShown } from '../../../../lib/hostile-text.ts'
import { findInLayers } from './users/layered-path.ts'

/**
 * Rejects with `invalid` if a working folder can't be entered or created, since something in its path is a
 * file: the runtimes say only that something is no folder.
 */
export async function checkFolder(layers: readonly string[], folder: string): Promise<void> {
  const parts = folder.split('/').filter(Boolean)
  for (const [index] of parts.entries()) {
    const path = `/${parts.slice(0, index + 1).join('/')}`
    if (!(await findInLayers(layers, path))) continue
    const [shown, file] = [folder, path].map(withHiddenShown)
    throw new NarwhalError(
      'invalid',
      `the working folder ${shown} can't be used: ${file} is a file in the image`,
    )
  }
}
