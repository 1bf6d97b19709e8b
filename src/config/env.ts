import type { GitEnv } from '../lib/git.ts'

/** The one reader of process.env. */

/** What git may know of the environment that this process was started in. */
export function readGitEnv(): GitEnv {
  const { PATH, HOME, SSH_AUTH_SOCK } = process.env
  return {
    ...(PATH ? { PATH } : {}),
    ...(HOME ? { HOME } : {}),
    ...(SSH_AUTH_SOCK ? { SSH_AUTH_SOCK } : {}),
  }
}
