import type { LookResult } from '../../core/delivery/commit-lookup.ts'
import type { GitEnv } from '../../lib/git/git.ts'
import { findRemoteRefs } from '../../lib/git/list-remote.ts'
import { present } from '../../lib/present.ts'
import type { LookupRecord } from '../../store/delivery-records.ts'
import type { RepositoryRecord } from '../../store/records.ts'
import { cloneOf } from '../../vault/git-credentials.ts'
import type { Vault } from '../../vault/vault.ts'
import { forkUrl } from './fork-url.ts'

interface Options {
  readonly vault: Vault
  readonly env: GitEnv
  readonly signal: AbortSignal
}

/**
 * Looks at a git server for the ref of a lookup, and for the branch of a pull request's head. A fork's branch is
 * only looked at; what is built is in the repository itself. Rejects if the repository's server doesn't answer.
 */
export async function lookAtServer(
  repository: RepositoryRecord,
  { events, lookup }: LookupRecord,
  { vault, ...options }: Options,
): Promise<LookResult> {
  const { headBranch, fork } = lookup
  const head = headBranch === undefined ? undefined : `refs/heads/${headBranch}`
  const own = [events[0]?.ref, fork === undefined ? head : undefined].filter(
    (name) => name !== undefined,
  )
  const url = fork === undefined ? undefined : forkUrl(repository.cloneUrl, fork)
  const ofFork = url && head ? findRemoteRefs(url, [head], options) : undefined
  // Without the repository's credentials; it may be private, or gone.
  const aside = ofFork?.catch(() => undefined)
  const found = await findRemoteRefs(cloneOf(vault, repository), own, options)
  const heads = fork === undefined ? found : await aside
  return present({ ref: found.get(own[0] ?? ''), branch: head && heads?.get(head)?.commit })
}
