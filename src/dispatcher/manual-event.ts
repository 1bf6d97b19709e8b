import { type CommitEvent, isRef, isSha } from '../core/commit-event.ts'
import { NarwhalError } from '../lib/errors.ts'
import { type GitEnv, parseCloneUrl } from '../lib/git.ts'
import { listRemote } from '../lib/list-remote.ts'
import { newId } from '../lib/new-id.ts'
import type { RepositoryRecord } from '../store/records.ts'

/** What a person asks for who starts a pipeline. */
export interface ManualStart {
  readonly ref?: string | undefined
  readonly inputs?: Readonly<Record<string, string>> | undefined
}

/**
 * The event of a run by hand. `ref` is a branch, a tag, a full ref or a full commit id; without one
 * it is what the remote's HEAD points at. Rejects with `not_found` when the remote has no such ref.
 */
export async function manualEvent(
  repository: RepositoryRecord,
  { ref, inputs = {} }: ManualStart,
  git: { env: GitEnv; signal: AbortSignal },
): Promise<CommitEvent> {
  const target = await resolve(repository, ref, git)
  return {
    id: newId('event'),
    repositoryId: repository.id,
    kind: 'manual',
    ...target,
    title: '',
    author: '',
    // Whose pull request it is can't be seen in a ref.
    trust: { fromFork: target.ref.startsWith('refs/pull/') },
    ...(Object.keys(inputs).length > 0 ? { details: { inputs } } : {}),
    source: 'manual',
    receivedAt: Date.now(),
  }
}

async function resolve(
  repository: RepositoryRecord,
  ref: string | undefined,
  git: { env: GitEnv; signal: AbortSignal },
): Promise<{ ref: string; sha: string }> {
  const clone = parseCloneUrl(repository.cloneUrl)
  if (ref === undefined) {
    const refs = await listRemote(clone, ['HEAD', 'refs/heads/*'], git)
    const sha = refs.get('HEAD')
    if (!sha) throw missing(repository, 'HEAD')
    const branches = [...refs].filter(([name, at]) => at === sha && name !== 'HEAD')
    const usual = branches.find(([name]) => /^refs\/heads\/(main|master)$/.test(name))
    return { ref: (usual ?? branches[0])?.[0] ?? 'refs/heads/HEAD', sha }
  }
  if (isSha(ref)) return { ref: 'refs/heads/HEAD', sha: ref }
  const names = ref.startsWith('refs/') ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`]
  if (!names.every(isRef)) {
    throw new NarwhalError('invalid', `${JSON.stringify(ref)} is no name of a branch, tag or ref`)
  }
  const refs = await listRemote(clone, names, git)
  for (const name of names) {
    const sha = refs.get(name)
    if (sha) return { ref: name, sha }
  }
  throw missing(repository, ref)
}

function missing(repository: RepositoryRecord, ref: string): NarwhalError {
  return new NarwhalError(
    'not_found',
    `${repository.name} has no branch or tag ${JSON.stringify(ref)}`,
  )
}
