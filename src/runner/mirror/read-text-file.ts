import type { ObjectReader } from './object-reader.ts'
import { findEntry } from './read-commit.ts'

/** The size limit of a pipeline file. */
const LARGEST_FILE = 1024 * 1024

/** The text of a file in a tree, or why it can't be read; undefined if it is missing. Follows no links. */
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
    if (entry.mode !== '40000') return { message: `${part} in ${path} isn't a folder` }
    folder = entry.id
  }
  const entry = await findEntry(objects, folder, parts.at(-1) ?? '')
  if (!entry) return undefined
  const { id, mode } = entry
  if (mode !== '100644' && mode !== '100755') {
    const what =
      mode === '120000' ? 'a symbolic link' : mode === '40000' ? 'a folder' : 'a submodule'
    return { message: `${path} is ${what}: it must be a regular file` }
  }
  const size = (await objects.info(id))?.size ?? 0
  if (size > LARGEST_FILE) {
    return { message: `${path} has ${size} bytes: the limit is ${LARGEST_FILE} (1 MiB)` }
  }
  return (await objects.read(id, 'blob', LARGEST_FILE)).toString('utf8')
}
