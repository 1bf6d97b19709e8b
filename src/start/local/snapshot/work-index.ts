import { copyFile, mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describeError } from '../../../lib/errors.ts'
import { git } from '../../../lib/git/git.ts'
import { excludesFile } from './excludes-file.ts'
import type { OwnRepository, SnapshotOptions } from './own-repository.ts'

/** The index of a bare repository, and the working tree that it lists. */
export interface WorkIndex {
  readonly folder: string
  readonly bare: string
  readonly own: OwnRepository | undefined
}

/**
 * Begins with the user's index: it lists tracked files that are ignored, and what is unchanged. A split one
 * is in several files. A folder without git keeps the index of the last run.
 */
export async function openIndex({ bare, own }: WorkIndex): Promise<void> {
  if (!own) return
  const { index, exclude } = own
  await mkdir(join(bare, 'info'), { recursive: true })
  const target = join(bare, 'info', 'exclude')
  await copyFile(exclude, target).catch(() => writeFile(target, ''))
  await resetIndex(bare)
  const found = await stat(index).catch(() => undefined)
  if (!found) return
  const shared = (await readdir(dirname(index))).filter((name) => name.startsWith('sharedindex.'))
  for (const name of shared) await copyFile(join(dirname(index), name), join(bare, name))
  const copy = join(bare, 'index')
  await copyFile(index, copy)
  // A file that was written in the moment after the index counts as changed by its time only.
  const before = Math.floor(found.mtimeMs / 1000)
  await utimes(copy, before, before)
}

export async function resetIndex(bare: string): Promise<void> {
  await rm(join(bare, 'index'), { force: true })
}

/**
 * Adds all that git does not ignore, and returns the tree; rejects if an object is missing that git did not
 * know to be in a tree.
 */
export async function writeTree(index: WorkIndex, options: SnapshotOptions): Promise<string> {
  const inside = insideOf(index, options)
  const ignored = await excludesFile(index.folder, index.own, options)
  await addAll(inside, ignored === undefined ? [] : ['-c', `core.excludesFile=${ignored}`])
  if (index.own?.isPartial) await leaveOutMissing(inside)
  return (await inside(['write-tree'])).trim()
}

/** git's message about a nested repository before its first commit: there is nothing of it to add. */
const WITHOUT_COMMIT = /'([^'\n]+)' does not have a commit checked out/

async function addAll(inside: Inside, settings: readonly string[]): Promise<void> {
  const without: string[] = []
  for (;;) {
    try {
      await inside([...settings, 'add', '--all', '--', '.', ...without])
      return
    } catch (error) {
      const [, nested] = WITHOUT_COMMIT.exec(describeError(error)) ?? []
      const pathspec = `:(exclude,top,literal)${nested}`
      if (nested === undefined || without.includes(pathspec)) throw error
      without.push(pathspec)
    }
  }
}

/** Removes what is not in the working tree because of a sparse checkout, and whose content only the remote has. */
async function leaveOutMissing(inside: Inside): Promise<void> {
  const listed = (await inside(['ls-files', '-t', '-s', '-z', '--full-name'])).split('\0')
  const sparse = listed.flatMap((line) => {
    const [, id, path] = /^S \d+ ([0-9a-f]+) 0\t(.+)$/s.exec(line) ?? []
    return id && path ? [{ id, path }] : []
  })
  if (sparse.length === 0) return
  const input = `${sparse.map(({ id }) => id).join('\n')}\n`
  const found = await inside(['cat-file', '--batch-check=%(objectname)'], input)
  const lines = found.split('\n')
  const missing = sparse.filter((_, at) => lines[at]?.endsWith(' missing'))
  if (missing.length === 0) return
  const paths = `${missing.map(({ path }) => path).join('\0')}\0`
  await inside(['update-index', '--force-remove', '-z', '--stdin'], paths)
}

type Inside = (args: readonly string[], input?: string) => Promise<string>

function insideOf({ bare, folder }: WorkIndex, options: SnapshotOptions): Inside {
  return (args, input = '') => {
    const where = [`--git-dir=${bare}`, `--work-tree=${folder}`]
    return git([...where, ...args], { ...options, cwd: folder, input, maxBytes: 2 ** 28 })
  }
}
