import { execFile } from 'node:child_process'
import { chmod, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { hasCode } from './errors.ts'

const run = promisify(execFile)

/** Removes a folder even if a job left read-only folders in it, or trees deeper than PATH_MAX. */
export async function removeFolder(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 })
  } catch {
    await openUp(path)
    await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) => {
      if (!hasCode(error, 'ENAMETOOLONG')) throw error
      return removeDeep(path)
    })
  }
}

/** Node uses whole paths only; these programs descend folder by folder, and follow no links. */
async function removeDeep(path: string): Promise<void> {
  // What can't be opened is reported by rm.
  await run('chmod', ['-R', 'u+rwX', '--', path]).catch(() => {})
  await run('rm', ['-rf', '--', path])
}

/** Makes every folder in the tree writable by its owner; symbolic links are not followed. */
async function openUp(path: string): Promise<void> {
  const folders = [path]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    await chmod(folder, 0o700).catch(() => {})
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      if (entry.isDirectory()) folders.push(join(folder, entry.name))
    }
  }
}
