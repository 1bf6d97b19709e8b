import type { EventKind } from '../../core/commit-event.ts'
import { describeError } from '../../lib/errors.ts'
import { type GitEnv, git } from '../../lib/git/git.ts'

const MOST_BYTES = 4 * 1024 * 1024
const TIMEOUT_MS = 30_000

/** The changed paths, or why they are not known; callers then treat all paths as changed. */
export type ChangedPaths = { readonly paths: readonly string[] } | { readonly unknown: string }

/**
 * The paths that differ between a commit and its base, both in the mirror: for a push the branch's previous
 * head, for a pull request the merge base with it.
 */
export async function changedPaths(
  mirror: string,
  { event, base, sha }: { event: EventKind; base: string; sha: string },
  { env, signal }: { env: GitEnv; signal: AbortSignal },
): Promise<ChangedPaths> {
  const range = event === 'pull_request' ? `${base}...${sha}` : `${base}..${sha}`
  const args = [`--git-dir=${mirror}`, 'diff', '--name-only', '--no-renames', '-z', range, '--']
  try {
    const text = await git(args, { env, signal, maxBytes: MOST_BYTES, timeoutMs: TIMEOUT_MS })
    return { paths: text.split('\0').filter((path) => path !== '') }
  } catch (error) {
    signal.throwIfAborted()
    return { unknown: describeError(error) }
  }
}
