import { type CommitSource, cloneUrlOf } from '../../contract/rpc/attempt.ts'
import type { EventFacts } from '../../contract/rpc/event-facts.ts'
import { isRef } from '../../core/commit-event.ts'
import { requestOf } from '../../core/forges.ts'
import { describeError } from '../../lib/errors.ts'
import type { GitEnv } from '../../lib/git/git.ts'
import { listRemote } from '../../lib/git/list-remote.ts'
import type { MirrorCache } from '../mirror/mirror-cache.ts'
import { readCommit } from '../mirror/read-commit.ts'

/** A repository may be large and its server slow; without a base, everything counts as changed. */
const LONGEST_MS = 60_000

/** The commit that a commit is compared with, which is in the mirror, or why there is none. */
export type Base = { readonly base: string } | { readonly unknown: string }

interface Deps {
  readonly mirrors: MirrorCache
  readonly env: GitEnv
}

/**
 * Finds and fetches what a commit is compared with: for a push what its branch was at, for a pull request
 * its target branch, or the commit of it that the event names. Rejects with the signal's reason only.
 */
export async function findBase(
  commit: CommitSource,
  facts: EventFacts,
  deps: Deps,
  signal: AbortSignal,
): Promise<Base> {
  const late = AbortSignal.timeout(LONGEST_MS)
  try {
    const ends = AbortSignal.any([signal, late])
    return facts.event === 'pull_request'
      ? await baseOfRequest(commit, facts, deps, ends)
      : await baseOfPush(commit, facts, deps, ends)
  } catch (error) {
    signal.throwIfAborted()
    const why = late.aborted
      ? 'fetching what it is compared with took too long'
      : describeError(error)
    return { unknown: why }
  }
}

async function baseOfPush(
  commit: CommitSource,
  { base, event }: EventFacts,
  { mirrors }: Deps,
  signal: AbortSignal,
): Promise<Base> {
  if (base === undefined) {
    const isPush = event === 'push'
    return {
      unknown: isPush ? 'the branch is new' : `there is nothing to compare a ${event} event with`,
    }
  }
  await mirrors.fetchCommit({ ...commit, sha: base }, signal)
  return { base }
}

async function baseOfRequest(
  commit: CommitSource,
  { base, targetBranch }: EventFacts,
  deps: Deps,
  signal: AbortSignal,
): Promise<Base> {
  const target = `refs/heads/${targetBranch}`
  const ref = targetBranch !== undefined && isRef(target) ? target : undefined
  if (base !== undefined) {
    try {
      await deps.mirrors.fetchCommit({ ...commit, ref: ref ?? commit.ref, sha: base }, signal)
      return { base }
    } catch (error) {
      // The branch may have been pushed over; what is there now has the same merge base, or a later one.
      if (ref === undefined) throw error
    }
  }
  if (ref === undefined) return await baseFromRefs(commit, deps, signal)
  const tip = (await list(commit, [ref], deps, signal)).get(ref)
  if (tip === undefined) return { unknown: `there is no branch ${targetBranch}` }
  await deps.mirrors.fetchCommit({ ...commit, ref, sha: tip }, signal)
  return { base: tip }
}

/**
 * Polling sees a request's ref and not its target. But GitHub and GitLab keep a merge of both, and of only one
 * other branch it is known that it is the target.
 */
async function baseFromRefs(commit: CommitSource, deps: Deps, signal: AbortSignal): Promise<Base> {
  const merge = requestOf(commit.ref) && commit.ref.replace(/head$/, 'merge')
  const refs = await list(commit, ['refs/heads/*', ...(merge ? [merge] : [])], deps, signal)
  const merged = merge && refs.get(merge)
  if (merged) {
    const { mirrors } = deps
    await mirrors.fetchCommit({ ...commit, ref: merge, sha: merged }, signal)
    const { parents } = await mirrors.read({ ...commit, sha: merged }, signal, (_path, objects) =>
      readCommit(objects, merged),
    )
    const [base, head] = parents
    // It lags behind the request.
    if (base !== undefined && head === commit.sha) return { base }
  }
  const branches = [...refs].filter(([ref, sha]) => ref !== merge && sha !== commit.sha)
  const [only, ...others] = branches
  if (only && others.length === 0) {
    const [ref, sha] = only
    await deps.mirrors.fetchCommit({ ...commit, ref, sha }, signal)
    return { base: sha }
  }
  return { unknown: 'the forge has not told the target branch, which polling does not see' }
}

function list(commit: CommitSource, refs: readonly string[], { env }: Deps, signal: AbortSignal) {
  return listRemote(cloneUrlOf(commit), refs, { env, signal })
}
