import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type GitEnv, git } from '../../../lib/git/git.ts'
import { readText } from './read-text.ts'

/** How git is called on the user's machine. */
export interface SnapshotOptions {
  readonly env: GitEnv
  readonly signal: AbortSignal
}

/** The repository of a working tree; it is only read. */
export interface OwnRepository {
  /** The commit that is checked out, and its tree; absent before the first. */
  readonly head: string | undefined
  readonly tree: string | undefined
  /** The full name of the branch that is checked out. */
  readonly branch: string | undefined
  readonly format: string
  /** Its folder of objects, and those that it borrows from. */
  readonly objects: readonly [string, ...string[]]
  readonly exclude: string
  readonly index: string
  /** The commits where a shallow clone's history ends, a line each; empty for a whole one. */
  readonly shallow: string
  /** Whether objects are missing that only its remote has. */
  readonly isPartial: boolean
}

/** Undefined if the folder is not the root of a repository. */
export async function findOwnRepository(
  folder: string,
  options: SnapshotOptions,
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
  const files = ['objects', 'info/exclude', 'index', 'shallow'].flatMap((name) => [
    '--git-path',
    name,
  ])
  const paths = ['rev-parse', '--show-object-format', ...files]
  const head = ['HEAD', 'HEAD^{tree}', '--symbolic-full-name', 'HEAD']
  const all = await ask(...paths, ...head)
  const [format, objects, exclude, index, shallow, commit, tree, named] =
    all ?? (await ask(...paths)) ?? []
  if (!objects || !exclude || !index || !shallow || !format) return undefined
  // Before the first commit a branch is only the name in HEAD.
  const branch = all ? named : (await ask('symbolic-ref', '--quiet', 'HEAD'))?.[0]
  const at = (path: string): string => resolve(folder, path)
  return {
    head: commit,
    tree,
    // For a detached HEAD the symbolic name is HEAD itself.
    branch: branch?.startsWith('refs/heads/') ? branch : undefined,
    format,
    objects: withBorrowed(at(objects)),
    exclude: at(exclude),
    index: at(index),
    shallow: readText(at(shallow)) ?? '',
    isPartial: hasPromises(at(objects)),
  }
}

/** The full name of the branch that is checked out in the folder, if any. */
export async function findBranch(
  folder: string,
  options: SnapshotOptions,
): Promise<string | undefined> {
  try {
    const named = await git(['symbolic-ref', '--quiet', 'HEAD'], { ...options, cwd: folder })
    return named.startsWith('refs/heads/') ? named.trim() : undefined
  } catch {
    options.signal.throwIfAborted()
    return undefined
  }
}

/** Absolute: alternates of alternates are used only if they are. */
function withBorrowed(objects: string): OwnRepository['objects'] {
  const text = readText(join(objects, 'info', 'alternates')) ?? ''
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return [objects, ...lines.map((line) => resolve(objects, line))]
}

/** git marks the packs of a partial clone: what they refer to may be at the remote only. */
function hasPromises(objects: string): boolean {
  try {
    return readdirSync(join(objects, 'pack')).some((name) => name.endsWith('.promisor'))
  } catch {
    return false
  }
}
