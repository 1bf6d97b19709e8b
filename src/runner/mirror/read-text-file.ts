import type { ObjectReader } from './object-reader.ts'
import { findEntry } from './read-commit.ts'

/** What a pipeline file may have at most, in bytes. */
const LARGEST_FILE = 1024 * 1024

/**
 * The text of a file in a tree; why it can't be read, in words; undefined where there is none. No
 * symbolic link is followed.
 */
export async function readTextFile(
  objects: ObjectReader,
  tree: string,
  path: string,
): Promise<string | { readonly message: string } | undefined> {
  const parts = path.split('/')
  let folder = tree
  for (const part of parts.slice(0, -1)) {
    const entry = await findEntry(objects, folder, part)
    if (!entry) return undefined
    if (entry.mode !== '40000') return { message: `${part} in ${path} is no folder` }
    folder = entry.id
  }
  const entry = await findEntry(objects, folder, parts.at(-1) ?? '')
  if (!entry) return undefined
  const { id, mode } = entry
  if (mode !== '100644' && mode !== '100755') {
    const what = mode === '120000' ? 'a symbolic link' : mode === '40000' ? 'a folder' : 'no file'
    return { message: `${path} is ${what}: it must be a plain file` }
  }
  const size = (await objects.info(id))?.size ?? 0
  if (size > LARGEST_FILE) {
    return { message: `${path} has ${size} bytes: at most ${LARGEST_FILE} (1 MiB) are allowed` }
  }
  return (await objects.read(id, 'blob', LARGEST_FILE)).toString('utf8')
}
