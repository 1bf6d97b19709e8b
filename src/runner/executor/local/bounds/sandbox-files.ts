import { chmod, mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { SandboxFiles } from '../../executor.ts'

/** In the folder that steps see, read-only if possible. */
const FOLDER = 'id-tokens'

/**
 * Files in a folder of an existing sandbox: no step has to wait for another mount. `folders` are the runner's
 * paths of all places in which a step sees it; `seenAt` is the path for steps.
 */
export function filesIn(folders: () => readonly string[], seenAt: string): SandboxFiles {
  let number = 0
  const putInto = async (parent: string, name: string, text: string): Promise<void> => {
    const folder = join(parent, FOLDER)
    await mkdir(folder, { recursive: true })
    // Not with mkdir, which applies this process's umask to the mode.
    await chmod(folder, 0o755)
    const next = join(folder, `.${name}-${number++}`)
    await writeFile(next, text, { flag: 'wx', mode: 0o600 })
    await chmod(next, 0o644)
    await rename(next, join(folder, name))
  }
  return {
    pathOf: (name) => `${seenAt}/${FOLDER}/${name}`,
    put: async (name, text) => {
      await Promise.all(folders().map((parent) => putInto(parent, name, text)))
    },
  }
}
