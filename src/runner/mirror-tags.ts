import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * A bare repository's tags as lines of `packed-refs`: `<object name> refs/tags/<name>`. Reads the
 * files of gitrepository-layout(5). Single files come before the packed ones, because
 * `git pack-refs` writes those first and then removes the single ones: no tag is missed.
 */
export async function listTags(repository: string): Promise<string> {
  const tags = new Map<string, string>()
  const folder = join(repository, 'refs', 'tags')
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  await Promise.all(
    entries.map(async (entry) => {
      if (!entry.isFile() || entry.name.endsWith('.lock')) return
      const path = join(entry.parentPath, entry.name)
      const text = await readFile(path, 'utf8').catch(() => '')
      if (text !== '') tags.set(`refs/tags/${path.slice(folder.length + 1)}`, text.trim())
    }),
  )
  const packed = await readFile(join(repository, 'packed-refs'), 'utf8').catch(() => '')
  for (const [, object, ref] of packed.matchAll(/^([0-9a-f]+) (refs\/tags\/.+)$/gm)) {
    if (object && ref && !tags.has(ref)) tags.set(ref, object)
  }
  return [...tags].map(([ref, object]) => `${object} ${ref}\n`).join('')
}
