import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The paths of the files below a folder that contain a text; what is removed meanwhile does not count. */
export async function filesWith(folder: string, needle: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const found = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return filesWith(path, needle)
      if (!entry.isFile()) return []
      const bytes = await readFile(path).catch(() => Buffer.alloc(0))
      return bytes.includes(needle) ? [path] : []
    }),
  )
  return found.flat()
}
