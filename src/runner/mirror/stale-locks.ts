import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Removes the locks on refs and files of a bare repository that a killed process, git or ours, left:
 * with them git refuses every fetch. Only for a repository that is not in use.
 */
export async function removeStaleLocks(repository: string): Promise<void> {
  const [files, refs] = await Promise.all([
    list(repository, false),
    list(join(repository, 'refs'), true),
  ])
  const locks = [...files, ...refs].filter((path) => path.endsWith('.lock'))
  await Promise.all(locks.map((path) => rm(path, { force: true })))
}

async function list(folder: string, recursive: boolean): Promise<string[]> {
  const entries = await readdir(folder, { recursive, withFileTypes: true }).catch(() => [])
  return entries.filter((e) => e.isFile()).map((entry) => join(entry.parentPath, entry.name))
}
