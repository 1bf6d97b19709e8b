import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { NarwhalError } from '../errors.ts'
import type { GitWay } from './git.ts'
import { type CloneUrl, type GitEnv, type GitOptions, git } from './git.ts'
import { followingRedirects } from './git-redirects.ts'

/** A million commits are some 400 MB. */
const MOST_BYTES = 512 * 1024 * 1024
const LOOK_MS = 500

const BRANCHES_AND_TAGS = ['refs/heads/*', 'refs/tags/*'] as const

export interface FindRefOptions {
  readonly env: GitEnv
  readonly signal: AbortSignal
  /** More than this is not fetched; 512 MiB unless told. */
  readonly mostBytes?: number
}

/**
 * The full name of a branch or tag of a remote repository that has the commit in its history, or
 * undefined where none has. The commits of all branches and tags are fetched for that, without
 * files (from servers that do so), and thrown away. Rejects when they can't be had (`unavailable`) or
 * are too many (`too_large`), and with the signal's reason.
 */
export async function findRefWith(
  clone: CloneUrl,
  sha: string,
  { env, signal, mostBytes = MOST_BYTES }: FindRefOptions,
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
    // A git that was ended may have left one that writes a little longer.
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function fetchCommits({ url, local }: CloneUrl, options: GitOptions): Promise<void> {
  const filters = local ? ['--upload-pack=git -c uploadpack.allowFilter=true upload-pack'] : []
  const how = ['--quiet', '--no-tags', '--no-write-fetch-head', '--filter=tree:0', ...filters]
  const refspecs = BRANCHES_AND_TAGS.map((pattern) => `+${pattern}:${pattern}`)
  // Git keeps no note that files are missing by a name that begins with a slash, and takes them for lost.
  const from = local ? pathToFileURL(url).href : url
  // As one pack, so that its size can be watched.
  await git(['-c', 'fetch.unpackLimit=1', 'fetch', ...how, '--', from, ...refspecs], {
    ...options,
  })
}

/**
 * Git would ask the server for a commit that was not fetched; which a forge gives out though no branch
 * has it. So it may ask nobody, and fails where the commit is not there.
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

/** Aborts what fills a folder when there is more in it than is allowed; a server may ignore the filter. */
async function withinBytes(
  folder: string,
  mostBytes: number,
  fill: (isTooLarge: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController()
  const look = async (): Promise<void> => {
    if ((await sizeOf(folder)) <= mostBytes) return
    const words = `the commits of its branches and tags are more than ${mostBytes} bytes`
    stop.abort(new NarwhalError('too_large', words))
  }
  const timer = setInterval(() => void look(), LOOK_MS)
  try {
    await fill(stop.signal)
    await look()
    stop.signal.throwIfAborted()
  } finally {
    clearInterval(timer)
  }
}

/** Files come and go while it looks. */
async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => [])
  const sizes = await Promise.all(
    names.map(async (name) => (await stat(join(folder, name)).catch(() => undefined))?.size ?? 0),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}
