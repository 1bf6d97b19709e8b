import { chmod, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** Removes a folder whatever a job left in it, folders without write permission included. */
export async function removeFolder(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 3 })
  } catch {
    await openUp(path)
    await rm(path, { recursive: true, force: true, maxRetries: 3 })
  }
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
