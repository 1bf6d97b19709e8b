import { once } from 'node:events'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { withSignal } from '../../lib/async/with-signal.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { feedGit, type GitEnv } from '../../lib/git/git.ts'
import { FSCK_IGNORED } from './fetch-settings.ts'
import { listRefs } from './mirror-refs.ts'
import { listRemoteTags, type QuickRemote, requestPack } from './smart-http.ts'

const MOST_HAVES = 64

export interface QuickFetch {
  /** A bare repository that is not empty. */
  readonly mirror: string
  readonly remote: QuickRemote
  readonly sha: string
  /** The mirror's own name for the ref that the commit comes from. */
  readonly ref: string
  readonly env: GitEnv
  readonly signal: AbortSignal
}

/**
 * Fetches one commit into a mirror with one request and one process, `git index-pack`. It checks every
 * object (`--strict`), and that everything that a new object names exists; since all objects have
 * arrived in this way, all that the commit reaches is complete. Rejects if the server requires another
 * way, or with the signal's reason; then some objects may be there, and nothing else has changed.
 */
export async function quickFetch(fetch: QuickFetch): Promise<void> {
  const { mirror, sha, ref, signal } = fetch
  const haves = await listHaves(mirror)
  const strict = `--strict=${FSCK_IGNORED.map((fault) => `${fault}=ignore`).join(',')}`
  // A mirror can be fetched again: after a power cut it need not be intact, only be found broken.
  const command = ['-c', 'core.fsync=none', `--git-dir=${mirror}`, 'index-pack']
  // Started before the response arrives, to be ready then.
  const indexing = await feedGit([...command, '--stdin', '--fix-thin', strict], { env: fetch.env })
  let stderr = ''
  indexing.stderr.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString()).slice(-500)
  })
  indexing.stdout.resume()
  indexing.stdin.on('error', () => {})
  const { ended } = indexing
  const over = new AbortController()
  ended.then(
    () => over.abort(),
    () => over.abort(),
  )
  try {
    const write = async (bytes: Buffer): Promise<void> => {
      if (indexing.stdin.write(bytes) || over.signal.aborted) return
      // A process that ended early never drains; the wait for its end reports why.
      await once(indexing.stdin, 'drain', { signal: over.signal }).catch(() => undefined)
    }
    await requestPack(fetch.remote, { sha, haves }, write, signal)
    indexing.stdin.end()
    const { code } = await withSignal(ended, signal)
    if (code !== 0) await finished(indexing.stderr).catch(() => {})
    if (code !== 0) throw new NarwhalError('unavailable', `git index-pack failed: ${stderr.trim()}`)
  } finally {
    indexing.kill('SIGKILL')
    indexing.stdin.destroy()
  }
  await writeRef(mirror, ref, sha)
}

/** Whether the mirror has the tags of the remote. Rejects if the server has to be asked in another way. */
export async function hasSameTags(
  remote: QuickRemote,
  mirror: string,
  signal: AbortSignal,
): Promise<boolean> {
  const tags = await listRemoteTags(remote, signal)
  const known = await listRefs(mirror, 'refs/tags')
  return tags.length === known.size && tags.every(({ ref, id }) => known.get(ref) === id)
}

/** The newest commits that are complete: the server sends only what they lack. */
async function listHaves(mirror: string): Promise<string[]> {
  const refs = await listRefs(mirror, 'refs/narwhal')
  return [...new Set(refs.values())].slice(0, MOST_HAVES)
}

/** As git does: the lock is a file that becomes the ref. */
async function writeRef(mirror: string, ref: string, sha: string): Promise<void> {
  const path = join(mirror, ref)
  const before = await readFile(path, 'utf8').catch(() => '')
  if (before.trim() === sha) return
  const lock = await open(`${path}.lock`, 'wx')
  try {
    await lock.writeFile(`${sha}\n`)
    await lock.close()
    await rename(`${path}.lock`, path)
  } catch (error) {
    // As on a full disk: nobody else could take it any more.
    await lock.close()
    await rm(`${path}.lock`, { force: true })
    throw error
  }
}
