import { describeError, NarwhalError } from '../../lib/errors.ts'
import { type GitEnv, git } from '../../lib/git/git.ts'
import type { ObjectReader } from '../mirror/object-reader.ts'
import { findEntry, readCommit } from '../mirror/read-commit.ts'

/** A commit, and access to its objects. */
export interface CommitObjects {
  readonly mirror: string
  readonly objects: ObjectReader
  readonly sha: string
}

const LARGEST_FILE = 1024 * 1024

/**
 * The contents of a file in git's configuration format at the root of a commit, read as an object:
 * ordered pairs of key and value. Includes are not followed. Empty if there is no such file; rejects
 * with `invalid` if it is not a regular file, too large, or can't be parsed.
 */
export async function readConfigBlob(
  name: string,
  { mirror, objects, sha }: CommitObjects,
  options: { readonly env: GitEnv; readonly signal: AbortSignal },
): Promise<[key: string, value: string][]> {
  const { tree } = await readCommit(objects, sha)
  const entry = await findEntry(objects, tree, name)
  if (!entry) return []
  const refuse = (why: string): NarwhalError => new NarwhalError('invalid', `${name}: ${why}`)
  if (entry.mode !== '100644' && entry.mode !== '100755') throw refuse("it isn't a regular file")
  const info = await objects.info(entry.id)
  if (!info || info.size > LARGEST_FILE) throw refuse('it is larger than 1 MiB')
  const list = ['config', '-z', '--no-includes', '--list', `--blob=${entry.id}`]
  const text = await git([`--git-dir=${mirror}`, ...list], options).catch((error: unknown) => {
    options.signal.throwIfAborted()
    throw refuse(`it can't be read: ${describeError(error)}`)
  })
  return text.split('\0').flatMap((one): [string, string][] => {
    const end = one.indexOf('\n')
    return end === -1 ? [] : [[one.slice(0, end), one.slice(end + 1)]]
  })
}
