import {
  appendFile,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import { type GitEnv, git } from '../../lib/git/git.ts'
import { diskNote } from '../../runner/mirror/disk-note.ts'
import { removeStaleLocks } from '../../runner/mirror/stale-locks.ts'

/** A commit of a folder's current contents, in a repository of its own. */
export interface WorkSnapshot {
  /** Where the commit can be fetched. */
  readonly repository: string
  readonly ref: string
  readonly sha: string
}

const AUTHOR = ['-c', 'user.name=Narwhal', '-c', 'user.email=narwhal@localhost']

/**
 * Commits the folder's current contents: with uncommitted changes and untracked files, without ignored
 * ones. The folder's own repository, if any, is only read: index and objects are written to the bare
 * repository `bare`, which has it as an alternate and must not be used concurrently. For a clean working
 * tree the commit is HEAD. Rejects with `conflict` if git can't read the folder or its repository.
 */
export async function snapshotWork(
  folder: string,
  bare: string,
  options: { readonly env: GitEnv; readonly signal: AbortSignal },
): Promise<WorkSnapshot> {
  try {
    return await commitWork(folder, bare, options)
  } catch (error) {
    options.signal.throwIfAborted()
    throw await describeFailure(error, { folder, bare })
  }
}

/** Without git there is no snapshot of any folder; every other failure is one of this folder. */
async function describeFailure(
  error: unknown,
  { folder, bare }: { readonly folder: string; readonly bare: string },
): Promise<NarwhalError> {
  if (error instanceof NarwhalError && error.cause === undefined) return error
  const note = await diskNote(error, bare)
  const code = note.code === 'exhausted' ? 'exhausted' : 'conflict'
  const message = `${folder} can't be committed: ${describeError(error)}${note.words}`
  return new NarwhalError(code, message, { cause: error })
}

async function commitWork(
  folder: string,
  bare: string,
  options: { readonly env: GitEnv; readonly signal: AbortSignal },
): Promise<WorkSnapshot> {
  const own = await ownRepository(folder, options)
  const format = own?.format ?? 'sha1'
  if (!(await isMade(bare, format))) {
    await rm(bare, { recursive: true, force: true })
    await mkdir(bare, { recursive: true })
    const init = ['init', '--quiet', '--bare', '--initial-branch=main', `--object-format=${format}`]
    await git([...init, bare], options)
    await writeFile(join(bare, FORMAT), format)
  }
  // Left behind by a run that was killed.
  await removeStaleLocks(bare)
  if (own) await borrow(own, bare)
  const inside = (args: string[]): Promise<string> =>
    git([`--git-dir=${bare}`, `--work-tree=${folder}`, ...args], { ...options, cwd: folder })
  if (own) await copyIndex(own.index, bare)
  await addAll(inside)
  const tree = (await inside(['write-tree'])).trim()
  const ref = own?.branch ?? 'refs/heads/main'
  const isClean = own?.tree === tree
  const parent = own?.head ? ['-p', own.head] : []
  const sha =
    isClean && own?.head
      ? own.head
      : (await inside([...AUTHOR, 'commit-tree', tree, ...parent, '-m', 'Working tree'])).trim()
  await inside(['update-ref', ref, sha])
  return { repository: bare, ref, sha }
}

/** The index lists tracked files that are ignored, and what is unchanged. A split one is in several files. */
async function copyIndex(index: string, bare: string): Promise<void> {
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

/** git's message about a nested repository before its first commit: there is nothing of it to add. */
const WITHOUT_COMMIT = /'([^'\n]+)' does not have a commit checked out/

async function addAll(inside: (args: string[]) => Promise<string>): Promise<void> {
  const without: string[] = []
  for (;;) {
    try {
      await inside(['add', '--all', '--', '.', ...without])
      return
    } catch (error) {
      const [, nested] = WITHOUT_COMMIT.exec(describeError(error)) ?? []
      const pathspec = `:(exclude,top,literal)${nested}`
      if (nested === undefined || without.includes(pathspec)) throw error
      without.push(pathspec)
    }
  }
}

/** The full name of the branch that is checked out in the folder, if any. */
export async function findBranch(
  folder: string,
  options: { readonly env: GitEnv; readonly signal: AbortSignal },
): Promise<string | undefined> {
  try {
    const named = await git(['symbolic-ref', '--quiet', 'HEAD'], { ...options, cwd: folder })
    return named.startsWith('refs/heads/') ? named.trim() : undefined
  } catch {
    options.signal.throwIfAborted()
    return undefined
  }
}

interface OwnRepository {
  /** The commit that is checked out, and its tree; absent before the first. */
  readonly head: string | undefined
  readonly tree: string | undefined
  /** The full name of the branch that is checked out. */
  readonly branch: string | undefined
  readonly format: string
  readonly objects: string
  readonly exclude: string
  readonly index: string
}

/** Undefined if the folder is not the root of a repository. */
async function ownRepository(
  folder: string,
  options: { readonly env: GitEnv; readonly signal: AbortSignal },
): Promise<OwnRepository | undefined> {
  const ask = async (...args: string[]): Promise<readonly string[] | undefined> => {
    try {
      return (await git(args, { ...options, cwd: folder })).trim().split('\n')
    } catch {
      options.signal.throwIfAborted()
      return undefined
    }
  }
  // In one call: starting git is most of the cost.
  const paths = [
    'rev-parse',
    '--show-object-format',
    '--git-path',
    'objects',
    '--git-path',
    'info/exclude',
    '--git-path',
    'index',
  ]
  const head = ['HEAD', 'HEAD^{tree}', '--symbolic-full-name', 'HEAD']
  const all = await ask(...paths, ...head)
  const [format, objects, exclude, index, commit, tree, named] = all ?? (await ask(...paths)) ?? []
  if (!objects || !exclude || !index || !format) return undefined
  // Before the first commit a branch is only the name in HEAD.
  const branch = all ? named : (await ask('symbolic-ref', '--quiet', 'HEAD'))?.[0]
  const at = (path: string): string => resolve(folder, path)
  return {
    head: commit,
    tree,
    // For a detached HEAD the symbolic name is HEAD itself.
    branch: branch?.startsWith('refs/heads/') ? branch : undefined,
    format,
    objects: at(objects),
    exclude: at(exclude),
    index: at(index),
  }
}

/** Has the format of a bare repository of ours; written last when it is created. */
const FORMAT = 'narwhal-format'

async function isMade(bare: string, format: string): Promise<boolean> {
  return (await readFile(join(bare, FORMAT), 'utf8').catch(() => '')) === format
}

/** Makes the bare repository use the other's objects as alternates, and its excludes. */
async function borrow({ objects, exclude }: OwnRepository, bare: string): Promise<void> {
  const alternates = join(bare, 'objects', 'info', 'alternates')
  await writeFile(alternates, `${objects}\n`)
  await mkdir(join(bare, 'info'), { recursive: true })
  const target = join(bare, 'info', 'exclude')
  await copyFile(exclude, target).catch(() => writeFile(target, ''))
  // Alternates of alternates are used only if they are absolute.
  const further = await readFile(join(objects, 'info', 'alternates'), 'utf8').catch(() => '')
  for (const line of further.split('\n')) {
    if (line !== '') await appendFile(alternates, `${resolve(objects, line)}\n`)
  }
}
