import type { EventKind } from '../../core/commit-event.ts'
import { type GitEnv, git } from '../../lib/git/git.ts'

const MOST_BYTES = 4 * 1024 * 1024
const TIMEOUT_MS = 30_000

/**
 * The paths that differ between a commit and its base: for a push the branch's previous head, for a
 * pull request the merge base. Undefined if unknown, because the base is missing or there are too
 * many paths; callers then treat all paths as changed.
 */
export async function changedPaths(
  mirror: string,
  { event, base, sha }: { event: EventKind; base?: string; sha: string },
  { env, signal }: { env: GitEnv; signal: AbortSignal },
): Promise<string[] | undefined> {
  if (base === undefined) return undefined
  const range = event === 'pull_request' ? `${base}...${sha}` : `${base}..${sha}`
  const args = [`--git-dir=${mirror}`, 'diff', '--name-only', '--no-renames', '-z', range, '--']
  try {
    const text = await git(args, { env, signal, maxBytes: MOST_BYTES, timeoutMs: TIMEOUT_MS })
    return text.split('\0').filter((path) => path !== '')
  } catch {
    signal.throwIfAborted()
    return undefined
  }
}
