import { realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'

/** The clone URLs of a folder: itself, if it is a repository, or its snapshots. */
export async function sourcesOf(folder: string, dataDir: string): Promise<readonly string[]> {
  // A missing folder is reported when it is built.
  const path = await realpath(folder).catch(() => undefined)
  return path === undefined ? [] : [path, snapshotsOf(path, dataDir)]
}

export function nameOf(path: string): string {
  return basename(path).replace(/[^A-Za-z0-9_.-]/g, '-') || 'folder'
}

export function snapshotsOf(path: string, dataDir: string): string {
  return join(dataDir, 'snapshots', `${nameOf(path)}.git`)
}
