import { once } from 'node:events'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { NarwhalError } from '../../lib/errors.ts'
import { type GitEnv, startGit } from '../../lib/git/git.ts'
import { ANY_HOSTS } from '../../lib/reach/hosts.ts'
import { FSCK_IGNORED } from './fetch-settings.ts'
import { listRefs } from './mirror-refs.ts'
import type { ObjectReader } from './object-reader.ts'
import { listRemoteTags, type Remote, type RemoteTag, requestPack } from './smart-http.ts'

const MOST_HAVES = 64
/** With more unknown tags than this, git(1) looks for those that belong to the mirror. */
const MOST_UNKNOWN_TAGS = 2_000

export interface QuickFetch {
  /** A bare repository that has something already. */
  readonly mirror: string
  readonly url: string
  readonly sha: string
  /** The mirror's own name for where the commit came from. */
  readonly ref: string
  readonly env: GitEnv
  readonly signal: AbortSignal
}

/**
 * Brings one commit into a mirror by one request and one process, `git index-pack`. That checks
 * every object (`--strict`), and that all that a new object names is there; since everything came
 * in that way, what the commit leads to is complete. Rejects when the server wants to be asked in another
 * way, or with the signal's reason; then nothing has changed but that some objects may be there.
 */
export async function quickFetch(fetch: QuickFetch): Promise<void> {
  const { mirror, sha, ref, signal } = fetch
  const haves = await listHaves(mirror)
  const strict = `--strict=${FSCK_IGNORED.map((fault) => `${fault}=ignore`).join(',')}`
  // A mirror can be fetched again: it need not survive a power cut, only be found broken after one.
  const command = ['-c', 'core.fsync=none', `--git-dir=${mirror}`, 'index-pack']
  // Started before the answer comes, so that it stands ready.
  const indexing = startGit([...command, '--stdin', '--fix-thin', strict], { env: fetch.env })
  let said = ''
  indexing.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-500)
  })
  indexing.stdout.resume()
  indexing.stdin.on('error', () => {})
  const ended = once(indexing, 'close', { signal })
  const over = new AbortController()
  ended.then(
    () => over.abort(),
    () => over.abort(),
  )
  try {
    const write = async (bytes: Buffer): Promise<void> => {
      if (indexing.stdin.write(bytes) || over.signal.aborted) return
      // What ended early never drains; why it ended is said by whoever waits for that.
      await once(indexing.stdin, 'drain', { signal: over.signal }).catch(() => undefined)
    }
    await requestPack(
      { url: fetch.url, hosts: fetch.env.hosts ?? ANY_HOSTS },
      { sha, haves },
      write,
      signal,
    )
    indexing.stdin.end()
    const [code] = await ended
    if (code !== 0) throw new NarwhalError('unavailable', `git index-pack failed: ${said.trim()}`)
  } finally {
    indexing.kill('SIGKILL')
  }
  await writeRef(mirror, ref, sha)
}

/** Tags that the remote has and the mirror has not; undefined: too many to look at each. */
export type UnknownTags = readonly RemoteTag[] | undefined

/** Rejects when the server wants to be asked in another way. */
export async function unknownTags(
  remote: Remote,
  mirror: string,
  signal: AbortSignal,
): Promise<UnknownTags> {
  const [tags, known] = await Promise.all([
    listRemoteTags(remote, signal),
    listRefs(mirror, 'refs/tags'),
  ])
  const unknown = tags.filter(({ ref }) => !known.has(ref))
  return unknown.length > MOST_UNKNOWN_TAGS ? undefined : unknown
}

/** Whether one of the tags belongs into the mirror: what it stands for is there. */
export async function belongsHere(tags: UnknownTags, objects: ObjectReader): Promise<boolean> {
  if (!tags) return true
  const found = await Promise.all(tags.map(({ target }) => objects.info(target)))
  return found.some((info) => info !== undefined)
}

/** The newest commits that are known to be complete: the server sends what they do not have. */
async function listHaves(mirror: string): Promise<string[]> {
  const refs = await listRefs(mirror, 'refs/narwhal')
  return [...new Set(refs.values())].slice(0, MOST_HAVES)
}

/** As git itself does it: the lock is a file that becomes the ref. */
async function writeRef(mirror: string, ref: string, sha: string): Promise<void> {
  const path = join(mirror, ref)
  const before = await readFile(path, 'utf8').catch(() => '')
  if (before.trim() === sha) return
  await writeFile(`${path}.lock`, `${sha}\n`, { flag: 'wx' })
  try {
    await rename(`${path}.lock`, path)
  } catch (error) {
    await rm(`${path}.lock`, { force: true })
    throw error
  }
}
