import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

const OBJECT = /^[0-9a-f]{40,64}$/

/**
 * The refs of a repository below a prefix like `refs/tags`, by name, with their objects: loose ones
 * first, newest first, then the packed ones. Reads the files of gitrepository-layout(5), loose refs
 * before packed ones: `git pack-refs` writes the packed ones before it removes the loose ones, so
 * none is missed.
 */
export async function listRefs(repository: string, prefix: string): Promise<Map<string, string>> {
  const folder = join(repository, prefix)
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => [])
  const loose = await Promise.all(
    entries.map(async (entry) => {
      if (!entry.isFile() || entry.name.endsWith('.lock')) return []
      const path = join(entry.parentPath, entry.name)
      return await readLoose(path, `${prefix}/${path.slice(folder.length + 1)}`)
    }),
  )
  const newestFirst = loose.flat().toSorted((a, b) => b.writtenAt - a.writtenAt)
  const refs = new Map(newestFirst.map(({ ref, object }) => [ref, object]))
  const packed = await readFile(join(repository, 'packed-refs'), 'utf8').catch(() => '')
  for (const [, object, ref] of packed.matchAll(/^([0-9a-f]+) (refs\/.+)$/gm)) {
    if (object && ref?.startsWith(`${prefix}/`) && !refs.has(ref)) refs.set(ref, object)
  }
  return refs
}

async function readLoose(path: string, ref: string) {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    const object = text.trim()
    return OBJECT.test(object) ? [{ ref, object, writtenAt: mtimeMs }] : []
  } catch {
    // It has just been packed or removed.
    return []
  }
}
