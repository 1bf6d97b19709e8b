import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { CommitSource } from '../../contract/rpc/attempt.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import { exists } from '../../lib/exists.ts'
import type { GitWay } from '../../lib/git/git.ts'
import { type GitEnv, git, parseCloneUrl } from '../../lib/git/git.ts'
import { followingRedirects } from '../../lib/git/git-redirects.ts'
import { present } from '../../lib/present.ts'
import { diskNote } from './disk-note.ts'
import { advice, isNotGiven, notThere } from './fetch-errors.ts'
import { FETCH_SETTINGS } from './fetch-settings.ts'

export interface GitFetch {
  /** A bare repository, which is created if it does not exist. */
  readonly mirror: string
  readonly commit: CommitSource
  /** The mirror's own name for the ref that the commit comes from. */
  readonly ref: string
  readonly env: GitEnv
  readonly signal: AbortSignal
}

/** A fetch of a whole history may take this long. */
const LONGEST_FETCH_MS = 1_800_000

/**
 * Fetches a commit into a mirror by git(1), by its name or, if the server does not serve bare objects,
 * by its ref; in that case the commit may still be missing afterwards. Rejects with `unavailable` if
 * it can't be fetched, `invalid` for an invalid URL, or with the signal's reason.
 */
export async function fetchByGit({ mirror, commit, ref, env, signal }: GitFetch): Promise<void> {
  const clone = parseCloneUrl(commit.cloneUrl)
  const run = (args: readonly string[], way?: GitWay): Promise<string> =>
    git(args, { env, signal, ...present({ way }), timeoutMs: LONGEST_FETCH_MS })
  const how = ['--quiet', '--no-write-fetch-head', '--no-auto-maintenance']
  const fetchFrom = (from: string): Promise<string> =>
    followingRedirects(
      clone,
      (at, way) => {
        const what = ['fetch', ...how, '--', at, `+${from}:${ref}`]
        return run([...FETCH_SETTINGS, `--git-dir=${mirror}`, ...what], way)
      },
      { env, signal },
    )
  const format = commit.sha.length === 64 ? 'sha256' : 'sha1'
  try {
    if (!(await exists(join(mirror, 'HEAD')))) {
      await mkdir(mirror, { recursive: true })
      await run(['init', '--quiet', '--bare', `--object-format=${format}`, '--', mirror])
    }
    await fetchFrom(commit.sha).catch((error: unknown) => {
      if (!isNotGiven(error)) throw error
      return fetchFrom(commit.ref)
    })
  } catch (error) {
    if (signal.aborted) throw error
    if (isNotGiven(error)) throw notThere(commit, error)
    const note = await diskNote(error, dirname(mirror))
    const why = `${describeError(error)}${advice(error)}${note.words}`
    throw new NarwhalError(note.code, `can't fetch ${commit.repositoryName}: ${why}`, {
      cause: error,
    })
  }
}
