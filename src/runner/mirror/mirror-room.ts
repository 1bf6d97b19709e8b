import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { FILES } from './fetch-files.ts'

export interface MirrorRoom {
  /** The folder of the mirrors, each a folder `….git`. */
  readonly folder: string
  /** The limit of all of them together. */
  readonly maxBytes: number
  /** When this process last used the mirror, epoch milliseconds; undefined if never. */
  readonly usedAt: (path: string) => number | undefined
  /** Removes the mirror unless it is in use; resolves to whether it is gone. */
  readonly remove: (path: string) => Promise<boolean>
}

/**
 * Removes the least recently used mirrors until the rest is within the limit, and what an interrupted
 * removal left. A mirror in use stays, whatever its size.
 */
export async function makeRoom({ folder, maxBytes, usedAt, remove }: MirrorRoom): Promise<void> {
  const names = await readdir(folder)
  const leftovers = names.filter((name) => name.endsWith(GONE))
  await Promise.all(leftovers.map((name) => rm(join(folder, name), { recursive: true })))
  const paths = names.filter((name) => name.endsWith('.git')).map((name) => join(folder, name))
  const mirrors = await Promise.all(
    paths.map(async (path) => {
      const [bytes, writtenAt] = await Promise.all([sizeOfMirror(path), lastWrite(path)])
      return { path, bytes, at: usedAt(path) ?? writtenAt }
    }),
  )
  let total = mirrors.reduce((sum, { bytes }) => sum + bytes, 0)
  for (const { path, bytes } of mirrors.toSorted((a, b) => a.at - b.at)) {
    if (total <= maxBytes) return
    if (await remove(path)) total -= bytes
  }
}

/** The suffix that a mirror gets before it is removed, so that nobody sees half of one. */
export const GONE = '.gone'

/** Nearly all of it is packs and Git LFS objects. */
export async function sizeOfMirror(mirror: string): Promise<number> {
  const folders = ['objects/pack', 'lfs/objects', `${FILES}/objects`].map((path) =>
    join(mirror, path),
  )
  const sizes = await Promise.all(folders.map(sizeOfFolder))
  return sizes.reduce((sum, size) => sum + size, 0)
}

async function sizeOfFolder(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries.filter((entry) => entry.isFile())
  const sizes = await Promise.all(
    files.map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** The time of the last fetch, as each writes a pack. */
async function lastWrite(mirror: string): Promise<number> {
  return await stat(join(mirror, 'objects', 'pack')).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  )
}
