import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describeError } from '../../../lib/errors.ts'
import { git } from '../../../lib/git/git.ts'
import { excludesFile } from './excludes-file.ts'
import type { OwnRepository, SnapshotOptions } from './own-repository.ts'
import { readText } from './read-text.ts'

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
export function openIndex({ bare, own }: WorkIndex): void {
  if (!own) return
  const { index, exclude } = own
  mkdirSync(join(bare, 'info'), { recursive: true })
  writeFileSync(join(bare, 'info', 'exclude'), readText(exclude) ?? '')
  resetIndex(bare)
  const found = statSync(index, { throwIfNoEntry: false })
  if (!found) return
  const shared = readdirSync(dirname(index)).filter((name) => name.startsWith('sharedindex.'))
  for (const name of shared) copyFileSync(join(dirname(index), name), join(bare, name))
  const copy = join(bare, 'index')
  copyFileSync(index, copy)
  // A file that was written in the moment after the index counts as changed by its time only.
  const before = Math.floor(found.mtimeMs / 1000)
  utimesSync(copy, before, before)
}

export function resetIndex(bare: string): void {
  rmSync(join(bare, 'index'), { force: true })
}

const PIPELINE_FILE = 'narwhal.yml'
/** As an index has it: the length of the path, the path. See gitformat-index(5). */
const ENTRY = Buffer.from(`\u{b}${PIPELINE_FILE}\0`)

/**
 * Adds all that git does not ignore, and the pipeline file in any case, and returns the tree; rejects if an object is missing that git did not
 * know to be in a tree.
 */
export async function writeTree(index: WorkIndex, options: SnapshotOptions): Promise<string> {
  const inside = insideOf(index, options)
  const ignored = await excludesFile(index.folder, index.own, options)
  await addAll(inside, ignored === undefined ? [] : ['-c', `core.excludesFile=${ignored}`])
  if (existsSync(join(index.folder, PIPELINE_FILE)) && !hasPipelineFile(index)) {
    await inside(['add', '--force', '--', PIPELINE_FILE])
  }
  if (index.own?.isPartial) await leaveOutMissing(inside)
  return (await inside(['write-tree'])).trim()
}

/** If the paths in the index are compressed, the answer is no: adding the file once more does no harm. */
function hasPipelineFile({ bare }: WorkIndex): boolean {
  const index = join(bare, 'index')
  return existsSync(index) && readFileSync(index).includes(ENTRY)
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
