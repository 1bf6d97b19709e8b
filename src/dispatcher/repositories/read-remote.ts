import { isRef, isSha } from '../../core/commit-event.ts'
import { type Forge, requestRefs } from '../../core/forges.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import { type CloneUrl, type GitEnv, parseCloneUrl } from '../../lib/git/git.ts'
import type { GitCredentials } from '../../lib/git/git-credentials.ts'
import { listRemote } from '../../lib/git/list-remote.ts'
import { present } from '../../lib/present.ts'
import type { Head } from '../../store/records.ts'

/** A remote repository that could be read. */
export interface RemoteRepository {
  readonly clone: CloneUrl
  /** What the poller would find. */
  readonly heads: readonly Head[]
}

interface RemoteOrigin {
  readonly cloneUrl: string
  readonly forge: Forge
  readonly credentials?: GitCredentials | undefined
}

/** Reads the refs of a remote repository; rejects with `invalid` and git's message if that fails. */
export async function readRemote(
  { cloneUrl, forge, credentials }: RemoteOrigin,
  gitEnv: GitEnv,
): Promise<RemoteRepository> {
  const clone = { ...parseCloneUrl(cloneUrl), ...present({ credentials }) }
  const patterns = ['refs/heads/*', 'refs/tags/*', ...requestRefs(forge)]
  const refs = await listRemote(clone, patterns, { env: gitEnv }).catch((error: unknown) => {
    const words = `${cloneUrl} can't be read: ${describeError(error)}`
    throw new NarwhalError('invalid', words, { cause: error })
  })
  const heads = [...refs]
    .filter(([ref, sha]) => isRef(ref) && isSha(sha))
    .map(([ref, sha]) => ({ ref, sha }))
  return { clone, heads }
}
