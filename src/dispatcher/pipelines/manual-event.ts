import { BARE_COMMIT_REF, type CommitEvent, isRef, isSha } from '../../core/commit-event.ts'
import { decideTrust, isOwnRef } from '../../core/stranger/stranger.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { CloneUrl, GitEnv } from '../../lib/git/git.ts'
import { findRemoteHead, findRemoteRefs, listRemote } from '../../lib/git/list-remote.ts'
import { newId } from '../../lib/new-id.ts'
import { present } from '../../lib/present.ts'
import type { RepositoryRecord } from '../../store/records.ts'
import { cloneOf } from '../../vault/git-credentials.ts'
import type { Vault } from '../../vault/vault.ts'
import type { OwnCommits } from './own-commits.ts'

/** What to start a pipeline for. */
export interface ManualStart {
  readonly ref?: string | undefined
  readonly inputs?: Readonly<Record<string, string>> | undefined
}

export interface GitAccess {
  readonly vault: Vault
  readonly env: GitEnv
  readonly signal: AbortSignal
  readonly ownCommits: Pick<OwnCommits, 'find'>
}

/**
 * The event of a manually started pipeline. `ref` is a branch, a tag, a full ref or a full commit id; by
 * default the remote's HEAD. Rejects with `not_found` if the remote has no such ref.
 */
export async function manualEvent(
  repository: RepositoryRecord,
  { ref, inputs = {} }: ManualStart,
  git: GitAccess,
): Promise<CommitEvent> {
  const { seenAt, ...target } = await resolve(repository, ref, git)
  const event = { kind: 'manual', source: 'manual', ...target } as const
  return {
    ...event,
    id: newId('event'),
    repositoryId: repository.id,
    title: '',
    author: '',
    trust: decideTrust(event, present({ seenAt }), repository),
    ...(Object.keys(inputs).length > 0 ? { details: { inputs } } : {}),
    receivedAt: Date.now(),
  }
}

interface Target {
  readonly ref: string
  readonly sha: string
  /** A branch or tag of the remote that contains the commit; absent: none was found. */
  readonly seenAt?: string
}

async function resolve(
  repository: RepositoryRecord,
  ref: string | undefined,
  git: GitAccess,
): Promise<Target> {
  const clone = cloneOf(git.vault, repository)
  if (ref === undefined) {
    const head = await findRemoteHead(clone, git)
    if (!head) throw missing(repository, 'HEAD')
    const { sha, branch = await branchAt(clone, sha, git) } = head
    return branch === undefined
      ? await bareCommit(clone, sha, git)
      : { ref: branch, sha, seenAt: branch }
  }
  if (isSha(ref)) return await bareCommit(clone, ref, git)
  const names = ref.startsWith('refs/') ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`]
  if (!names.every(isRef)) {
    throw new NarwhalError(
      'invalid',
      `${JSON.stringify(ref)} isn't the name of a branch, tag or ref`,
    )
  }
  const refs = await listRemote(clone, names, git)
  for (const name of names) {
    const sha = refs.get(name)
    if (sha) return { ref: name, sha, ...present({ seenAt: isOwnRef(name) ? name : undefined }) }
  }
  throw missing(repository, ref)
}

/** Which branch HEAD may be, where the server does not say: old ones don't, and none for a detached HEAD. */
async function branchAt(clone: CloneUrl, sha: string, git: GitAccess): Promise<string | undefined> {
  const refs = await listRemote(clone, ['refs/heads/*'], git)
  const branches = [...refs].flatMap(([name, at]) => (at === sha ? [name] : []))
  return branches.find((name) => /^refs\/heads\/(main|master)$/.test(name)) ?? branches[0]
}

/**
 * Forges serve any commit of any pull request by its id: it is ours only if a branch or tag contains it. The id
 * of an annotated tag is that of its commit.
 */
async function bareCommit(clone: CloneUrl, id: string, git: GitAccess): Promise<Target> {
  const refs = await findRemoteRefs(clone, ['refs/heads/*', 'refs/tags/*'], git)
  const own = [...refs].filter(([name]) => isOwnRef(name))
  const [tag, named] = own.find(([, { object, commit }]) => object === id && commit !== id) ?? []
  if (tag !== undefined && named) return { ref: tag, sha: named.commit, seenAt: tag }
  const tip = own.find(([, { commit }]) => commit === id)?.[0]
  const seenAt = tip ?? (await git.ownCommits.find(clone, id))
  return { ref: BARE_COMMIT_REF, sha: id, ...present({ seenAt }) }
}

function missing(repository: RepositoryRecord, ref: string): NarwhalError {
  return new NarwhalError(
    'not_found',
    `${repository.name} has no branch or tag ${JSON.stringify(ref)}`,
  )
}
