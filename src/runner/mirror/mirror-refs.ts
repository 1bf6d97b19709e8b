import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'

const OBJECT = /^[0-9a-f]{40,64}$/

/**
 * The refs of a repository below a prefix like `refs/tags`, by their names, with their objects:
 * the single ones first, those written last before the others, then the packed ones. Reads the files of
 * gitrepository-layout(5). Single files are looked at before the packed ones, because `git
 * pack-refs` writes those first and then removes the single ones: none is missed.
 */
export async function listRefs(repository: string, prefix: string): Promise<Map<string, string>> {
  const folder = join(repository, prefix)
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch(() => [])
  const single = await Promise.all(
    entries.map(async (entry) => {
      if (!entry.isFile() || entry.name.endsWith('.lock')) return []
      const path = join(entry.parentPath, entry.name)
      return await readSingle(path, `${prefix}/${path.slice(folder.length + 1)}`)
    }),
  )
  const newestFirst = single.flat().toSorted((a, b) => b.writtenAt - a.writtenAt)
  const refs = new Map(newestFirst.map(({ ref, object }) => [ref, object]))
  const packed = await readFile(join(repository, 'packed-refs'), 'utf8').catch(() => '')
  for (const [, object, ref] of packed.matchAll(/^([0-9a-f]+) (refs\/.+)$/gm)) {
    if (object && ref?.startsWith(`${prefix}/`) && !refs.has(ref)) refs.set(ref, object)
  }
  return refs
}

async function readSingle(path: string, ref: string) {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(path, 'utf8'), stat(path)])
    const object = text.trim()
    return OBJECT.test(object) ? [{ ref, object, writtenAt: mtimeMs }] : []
  } catch {
    // It was packed or removed just now.
    return []
  }
}
