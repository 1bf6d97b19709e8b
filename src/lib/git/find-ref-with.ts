import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { every } from '../async/every.ts'
import { NarwhalError } from '../errors.ts'
import type { GitWay } from './git.ts'
import { type CloneUrl, type GitEnv, type GitOptions, git } from './git.ts'
import { followingRedirects } from './git-redirects.ts'

/** A million commits are about 400 MB. */
const MAX_BYTES = 512 * 1024 * 1024
const CHECK_MS = 500

const BRANCHES_AND_TAGS = ['refs/heads/*', 'refs/tags/*'] as const

export interface FindRefOptions {
  readonly env: GitEnv
  readonly signal: AbortSignal
  /** Fetching stops at this size; 512 MiB by default. */
  readonly mostBytes?: number
}

/**
 * The full name of a branch or tag of a remote repository whose history contains the commit, or undefined if
 * none does. To find out, the commits of all branches and tags are fetched, without files (where the server
 * supports that), and deleted afterwards. Rejects when they can't be fetched (`unavailable`) or are too many
 * (`too_large`), and with the signal's reason.
 */
export async function findRefWith(
  clone: CloneUrl,
  sha: string,
  { env, signal, mostBytes = MAX_BYTES }: FindRefOptions,
): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'narwhal-commits-'))
  try {
    const format = sha.length === 64 ? 'sha256' : 'sha1'
    const init = ['init', '--quiet', '--bare', '--template=', `--object-format=${format}`, folder]
    await git(init, { env, signal })
    await withinBytes(join(folder, 'objects', 'pack'), mostBytes, async (isTooLarge) => {
      const options = { env, cwd: folder, signal: AbortSignal.any([signal, isTooLarge]) }
      const bring = (url: string, way: GitWay) =>
        fetchCommits({ ...clone, url }, { ...options, way })
      await followingRedirects(clone, bring, options)
    })
    return await findIn(folder, sha, { env, signal })
  } finally {
    // A child of a killed git may keep writing for a moment.
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function fetchCommits({ url, local }: CloneUrl, options: GitOptions): Promise<void> {
  const filters = local ? ['--upload-pack=git -c uploadpack.allowFilter=true upload-pack'] : []
  const how = ['--quiet', '--no-tags', '--no-write-fetch-head', '--filter=tree:0', ...filters]
  const refspecs = BRANCHES_AND_TAGS.map((pattern) => `+${pattern}:${pattern}`)
  // Git can't record a promisor whose name begins with a slash, and takes the missing files for lost.
  const from = local ? pathToFileURL(url).href : url
  // As one pack, so that its size can be watched.
  await git(['-c', 'fetch.unpackLimit=1', 'fetch', ...how, '--', from, ...refspecs], options)
}

/**
 * Git would fetch a missing commit from the server, which serves it even if no branch contains it. So no way
 * is given: it fails where the commit is not there.
 */
async function findIn(
  folder: string,
  sha: string,
  { env, signal }: Pick<FindRefOptions, 'env' | 'signal'>,
): Promise<string | undefined> {
  const has = await git(['cat-file', '-t', sha], { env, signal, cwd: folder }).catch(
    () => undefined,
  )
  signal.throwIfAborted()
  if (has?.trim() !== 'commit') return undefined
  const search = ['for-each-ref', '--count=1', '--format=%(refname)', `--contains=${sha}`]
  const found = await git([...search, 'refs/heads', 'refs/tags'], {
    env,
    signal,
    cwd: folder,
  })
  return found.trim() || undefined
}

/** Aborts `fill` when the folder grows beyond the limit; a server may ignore the filter. */
async function withinBytes(
  folder: string,
  mostBytes: number,
  fill: (isTooLarge: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController()
  const check = async (): Promise<void> => {
    if ((await sizeOf(folder)) <= mostBytes) return
    const words = `the commits of its branches and tags exceed ${mostBytes} bytes`
    stop.abort(new NarwhalError('too_large', words))
  }
  await using _watch = every(CHECK_MS, check, (error) => stop.abort(error))
  await fill(stop.signal)
  await check()
  stop.signal.throwIfAborted()
}

/** Files come and go meanwhile. */
async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => [])
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
