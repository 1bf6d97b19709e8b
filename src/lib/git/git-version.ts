import { NarwhalError } from '../errors.ts'
import { type GitEnv, git } from './git.ts'

/** The first one with `http.curloptResolve`, which pins git to the address that was looked up. */
export const OLDEST_GIT = '2.37'

/**
 * Throws `invalid` when the git on PATH is too old, `unavailable` when there is none; both say what to do.
 */
export async function requireGit(env: GitEnv): Promise<void> {
  const said = (await git(['--version'], { env, timeoutMs: 10_000 })).trim()
  const [, major, minor] = /^git version (\d+)\.(\d+)/.exec(said) ?? []
  const [leastMajor = 0, leastMinor = 0] = OLDEST_GIT.split('.').map(Number)
  const isNew =
    Number(major) > leastMajor || (Number(major) === leastMajor && Number(minor) >= leastMinor)
  if (isNew) return
  const found = JSON.stringify(said.slice(0, 100))
  const words = `Narwhal needs git ${OLDEST_GIT} or newer, but the one on its PATH reports ${found}: update it, or put a newer one first on PATH`
  throw new NarwhalError('invalid', words)
}
