import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type CommitSource, cloneUrlOf } from '../../contract/rpc/attempt.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import { exists } from '../../lib/exists.ts'
import type { GitWay } from '../../lib/git/git.ts'
import { type GitEnv, git } from '../../lib/git/git.ts'
import { followingRedirects } from '../../lib/git/git-redirects.ts'
import type { Found } from '../../lib/git/git-way.ts'
import { diskNote } from './disk-note.ts'
import { isNotGiven, isOnlyTips, notThere } from './fetch-errors.ts'
import { FETCH_SETTINGS } from './fetch-settings.ts'

export interface GitFetch {
  /** A bare repository, which is created if it does not exist. */
  readonly mirror: string
  readonly commit: CommitSource
  /** The mirror's own name for the ref that the commit comes from. */
  readonly ref: string
  readonly env: GitEnv
  readonly signal: AbortSignal
  /** The addresses of the server, where they were looked up before. */
  readonly found?: Found | undefined
}

/** A fetch of a whole history may take this long. */
const LONGEST_FETCH_MS = 1_800_000

const HOW = ['--quiet', '--no-write-fetch-head', '--no-auto-maintenance', '--no-tags', '--prune']
/** Adds, moves and prunes tags. git prunes first, so `v1/rc` may replace `v1`. */
const ALL_TAGS = '+refs/tags/*:refs/tags/*'
/** git's messages when it may be a tag, rather than the commit, that made a fetch fail. */
const TAGS_FAILED = /refs\/tags\/|fsck error|index-pack/

/** Where all branches are for a moment. */
const BRANCHES = 'refs/branches'

/**
 * Fetches a commit into a mirror by git(1), by its name or, if the server does not serve bare objects,
 * by its ref, and at last by all branches; the commit may still be missing afterwards. The remote's tags are
 * fetched with it: resolves to the error if only they failed. Rejects with `unavailable` if the commit can't
 * be fetched, `invalid` for an invalid URL, or with the signal's reason.
 */
export async function fetchByGit(options: GitFetch): Promise<NarwhalError | undefined> {
  const { commit, ref, signal } = options
  try {
    await initMirror(options)
    await fetchAnyhow(options)
    return undefined
  } catch (error) {
    if (signal.aborted) throw error
    if (isNotGiven(error)) throw notThere(commit, error)
    const failure = await describeFailure(error, options)
    if (!TAGS_FAILED.test(failure.message)) throw failure
    await fetchRefs([`+${commit.sha}:${ref}`], options).catch(() => {
      signal.throwIfAborted()
      throw failure
    })
    return failure
  }
}

/** Creates the bare repository unless it exists, for objects of the commit's form. */
export async function initMirror({
  mirror,
  commit,
  env,
  signal,
}: Omit<GitFetch, 'ref'>): Promise<void> {
  if (await exists(join(mirror, 'HEAD'))) return
  const format = commit.sha.length === 64 ? 'sha256' : 'sha1'
  const init = ['init', '--quiet', '--bare', `--object-format=${format}`, '--', mirror]
  await mkdir(mirror, { recursive: true })
  await git(init, { env, signal })
}

async function fetchAnyhow(options: GitFetch): Promise<void> {
  const { mirror, commit, ref, env, signal } = options
  const bring = (from: string): Promise<void> => fetchRefs([`+${from}:${ref}`, ALL_TAGS], options)
  let refusal: unknown
  try {
    return await bring(commit.sha)
  } catch (error) {
    if (!isNotGiven(error)) throw error
    refusal = error
  }
  if (!isOnlyTips(refusal)) return await bring(commit.ref)
  await bring(commit.ref).catch((error: unknown) => {
    if (!isNotGiven(error)) throw error
  })
  const run = (...args: string[]) => git([`--git-dir=${mirror}`, ...args], { env, signal })
  const isThere = () =>
    run('cat-file', '-e', commit.sha).then(
      () => true,
      () => false,
    )
  if (await isThere()) return
  // The ref has moved on, or none was named: another branch may lead to the commit.
  try {
    await fetchRefs([`+refs/heads/*:${BRANCHES}/*`, ALL_TAGS], options)
  } finally {
    await rm(join(mirror, BRANCHES), { recursive: true, force: true })
  }
  if (!(await isThere())) throw refusal
  await run('update-ref', ref, commit.sha)
}

/** Updates the tags of a mirror to those of the remote. Rejects as `fetchByGit` does. */
export async function fetchTagsByGit(options: Omit<GitFetch, 'ref'>): Promise<void> {
  await fetchRefs([ALL_TAGS], options).catch(async (error: unknown) => {
    if (options.signal.aborted) throw error
    throw await describeFailure(error, options)
  })
}

async function fetchRefs(
  refspecs: readonly string[],
  { mirror, commit, env, signal, found }: Omit<GitFetch, 'ref'>,
): Promise<void> {
  const fetch = (url: string, way: GitWay): Promise<string> => {
    const what = ['fetch', ...HOW, '--', url, ...refspecs]
    const args = [...FETCH_SETTINGS, `--git-dir=${mirror}`, ...what]
    return git(args, { env, signal, way, timeoutMs: LONGEST_FETCH_MS })
  }
  await followingRedirects(cloneUrlOf(commit), fetch, { env, signal, found })
}

/** The error of a fetch, with what failed and what to do. */
export async function describeFailure(
  error: unknown,
  { mirror, commit }: Omit<GitFetch, 'ref'>,
): Promise<NarwhalError> {
  const note = await diskNote(error, dirname(mirror))
  const why = `${describeError(error)}${note.words}`
  const message = `can't fetch ${commit.repositoryName}: ${why}`
  return new NarwhalError(note.code, message, { cause: error })
}
