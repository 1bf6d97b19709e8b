import { randomBytes } from 'node:crypto'
import type { z } from 'zod'
import type { newRepository } from '../contract/rest.ts'
import { isRef, isSha } from '../core/commit-event.ts'
import { describeError, NarwhalError } from '../lib/errors.ts'
import { type GitEnv, listRemote, parseCloneUrl } from '../lib/git.ts'
import { newId } from '../lib/new-id.ts'
import type { RepositoryRecord } from '../store/records.ts'
import type { Store } from '../store/store.ts'

/**
 * Registers a repository after looking at it: one that can't be read is refused with git's words.
 * What its refs point at now is the poller's baseline, so that registering builds nothing.
 */
export async function registerRepository(
  store: Store,
  request: z.output<typeof newRepository>,
  gitEnv: GitEnv,
): Promise<RepositoryRecord> {
  const clone = parseCloneUrl(request.cloneUrl)
  if (await store.findRepository(request.name)) {
    throw new NarwhalError(
      'conflict',
      `a repository named ${request.name} is registered already: remove it, or give this one another name`,
    )
  }
  const refs = await listRemote(clone, ['refs/heads/*', 'refs/tags/*', 'refs/pull/*/head'], {
    env: gitEnv,
  }).catch((error: unknown) => {
    const words = `${request.cloneUrl} can't be read: ${describeError(error)}`
    throw new NarwhalError('invalid', words, { cause: error })
  })
  const repository: RepositoryRecord = {
    id: newId('repo'),
    name: request.name,
    forge: request.forge,
    cloneUrl: clone.url,
    webhookSecret: randomBytes(24).toString('base64url'),
    pollIntervalMs: request.pollIntervalMs,
    createdAt: Date.now(),
  }
  const heads = [...refs]
    .filter(([ref, sha]) => isRef(ref) && isSha(sha))
    .map(([ref, sha]) => ({ ref, sha }))
  await store.transact((write) => write.insertRepository(repository, heads))
  return repository
}
