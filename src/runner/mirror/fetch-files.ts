import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { NarwhalError } from '../../lib/errors.ts'
import { fetchByGit, fetchTagsByGit, type GitFetch, initMirror } from './fetch-by-git.ts'

/** Where files come first, in the mirror's folder. */
export const FILES = 'files'

/**
 * As `fetchByGit`, from a server that knows nothing of git. There git takes object by object, checks none,
 * and leaves half of a commit when it is interrupted. So they come into a repository of their own, which
 * borrows what the mirror has, and from there into the mirror like from any other.
 */
export async function fetchFiles(options: GitFetch): Promise<NarwhalError | undefined> {
  return await throughFiles(options, async (staged) => {
    const failure = await fetchByGit(staged)
    return (await fetchByGit({ ...options, commit: fromFiles(staged) })) ?? failure
  })
}

/** As `fetchTagsByGit`. */
export async function fetchTagsFiles(options: Omit<GitFetch, 'ref'>): Promise<void> {
  await throughFiles(options, async (staged) => {
    await fetchTagsByGit(staged)
    await fetchTagsByGit({ ...options, commit: fromFiles(staged) })
  })
}

async function throughFiles<Options extends Omit<GitFetch, 'ref'>, Result>(
  options: Options,
  bring: (staged: Options) => Promise<Result>,
): Promise<Result> {
  const { mirror, commit, env, signal } = options
  const path = join(mirror, FILES)
  await initMirror(options)
  await rm(path, { recursive: true, force: true })
  try {
    const staged = { ...options, mirror: path, commit, env, signal }
    await initMirror(staged)
    await writeFile(join(path, 'objects', 'info', 'alternates'), `${join(mirror, 'objects')}\n`)
    return await bring(staged)
  } finally {
    await rm(path, { recursive: true, force: true, maxRetries: 3 })
  }
}

function fromFiles({ mirror, commit }: Omit<GitFetch, 'ref'>): GitFetch['commit'] {
  const { credentials: _, ...rest } = commit
  return { ...rest, cloneUrl: mirror }
}
