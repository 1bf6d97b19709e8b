import { execFile } from 'node:child_process'
import { chmod, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { hasCode } from './errors.ts'

const run = promisify(execFile)

/**
 * Removes a folder whatever a job left in it: folders without write permission, and trees that are
 * deeper than a path may be long (PATH_MAX).
 */
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

/** Node only knows whole paths; these programs go down folder by folder, and follow no link. */
async function removeDeep(path: string): Promise<void> {
  // What stays shut is told by rm.
  await run('chmod', ['-R', 'u+rwX', '--', path]).catch(() => {})
  await run('rm', ['-rf', '--', path])
}

/** Lets the owner change every folder in the tree; a symbolic link is never followed. */
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
