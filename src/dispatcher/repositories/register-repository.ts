import { randomBytes } from 'node:crypto'
import type { z } from 'zod'
import type { newRepository } from '../../contract/rest/rest-repositories.ts'
import type { Doer } from '../../core/audit/audit.ts'
import { clonePlace } from '../../core/forge-path.ts'
import { DEFAULT_APPROVAL } from '../../core/stranger/approval.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { cloneHost } from '../../lib/git/clone-host.ts'
import type { GitEnv } from '../../lib/git/git.ts'
import { newId } from '../../lib/new-id.ts'
import { present } from '../../lib/present.ts'
import { ANY_HOSTS } from '../../lib/reach/hosts.ts'
import type { RepositoryRecord } from '../../store/records.ts'
import type { Uses } from '../../store/store.ts'
import { sealGitCredentials } from '../../vault/git-credentials.ts'
import type { Vault } from '../../vault/vault.ts'
import { webhookSecretPlace } from '../../vault/webhook-secrets.ts'
import { findForge } from '../forge-api/find-forge.ts'
import { httpCredentials } from './changed-credentials.ts'
import { readRemote } from './read-remote.ts'

const LONGEST_MS = 30_000

/**
 * Registers a repository after reading its refs: an unreadable one is rejected with git's message. The
 * present refs are the poller's baseline, so that registering builds nothing. Returns it with the secret with
 * which its forge must sign webhooks.
 */
export async function registerRepository(
  {
    store,
    vault,
    gitEnv,
  }: { store: Uses<'repositories' | 'transact'>; vault: Vault; gitEnv: GitEnv },
  request: z.output<typeof newRepository>,
  by: Doer,
): Promise<{ repository: RepositoryRecord; secret: string; isForgeKnown: boolean }> {
  if (await store.repositories.find(request.name)) {
    throw new NarwhalError(
      'conflict',
      `a repository named ${request.name} is already registered: change it (narwhal repo set ${request.name}), or choose another name`,
    )
  }
  const signal = AbortSignal.timeout(LONGEST_MS)
  const { forge, isKnown: isForgeKnown } = request.forge
    ? { forge: request.forge, isKnown: true }
    : await findForge(clonePlace(request.cloneUrl), { hosts: gitEnv.hosts ?? ANY_HOSTS, signal })
  const wanted = { ...request, forge }
  const http = request.credentials && httpCredentials(request.credentials, wanted)
  const credentials = http && { http }
  const { clone, heads } = await readRemote({ ...wanted, credentials }, gitEnv)
  const secret = newWebhookSecret()
  const repository = {
    id: newId('repo'),
    name: request.name,
    forge,
    cloneUrl: clone.url,
    pollIntervalMs: request.pollIntervalMs,
    approval: DEFAULT_APPROVAL,
    createdAt: Date.now(),
  }
  const { result } = await store.transact(async (write) => {
    const webhookSecret = await vault.seal(write, secret, webhookSecretPlace(repository.id))
    const { id } = repository
    const sealed = credentials && (await sealGitCredentials({ vault, write }, id, credentials))
    const secrets = { webhookSecret, ...present({ gitCredentials: sealed }) }
    const record: RepositoryRecord = { ...repository, ...secrets }
    await write.repositories.insert(record, heads)
    const { forge, pollIntervalMs } = record
    const after = { forge, host: cloneHost(record.cloneUrl), pollIntervalMs }
    write.audit.add(by, { action: 'repository.added', subject: record, after })
    if (sealed !== undefined) {
      const given = { kind: 'password', host: after.host }
      write.audit.add(by, { action: 'git_credentials.set', subject: record, after: given })
    }
    return record
  })
  return { repository: result, secret, isForgeKnown }
}

/** The key with which a forge signs its webhooks. */
export function newWebhookSecret(): string {
  return randomBytes(24).toString('base64url')
}
