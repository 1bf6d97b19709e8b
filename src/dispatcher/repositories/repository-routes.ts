import { doerOf } from '../../api/auth/doer-of.ts'
import { getRepository } from '../../api/lookups.ts'
import { viewRepository } from '../../api/reads/repository-view.ts'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { RequestsReach } from '../../core/access/user-requests.ts'
import { hasWebhooks, type WebhookForge, webhookPath } from '../../core/forges.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { cloneHost } from '../../lib/git/clone-host.ts'
import type { GitEnv } from '../../lib/git/git.ts'
import { present } from '../../lib/present.ts'
import { ANY_HOSTS } from '../../lib/reach/hosts.ts'
import type { RepositoryRecord } from '../../store/records.ts'
import type { Uses } from '../../store/store.ts'
import type { Vault } from '../../vault/vault.ts'
import { openWebhookSecret, webhookSecretPlace } from '../../vault/webhook-secrets.ts'
import { changeRepository } from './change-repository.ts'
import { makeDeployKey } from './make-deploy-key.ts'
import { newWebhookSecret, registerRepository } from './register-repository.ts'
import { testDelivery } from './test-delivery.ts'

export interface RepositoryDeps {
  /** How far users' requests reach; `usual` by default. */
  readonly requestsReach?: RequestsReach
  /** The page's address. */
  readonly publicUrl?: string | undefined
  readonly store: Uses<'heads' | 'repositories' | 'transact'>
  readonly vault: Vault
  readonly gitEnv: GitEnv
}

/** Adds registering, changing and removing repositories, and their webhooks. */
export function addRepositoryRoutes(server: HttpServer, deps: RepositoryDeps): void {
  const { store } = deps
  route(server, ENDPOINTS.addRepository, async (request) => {
    const added = await registerRepository(deps, request.body, doerOf(request))
    const { repository, secret, isForgeKnown } = added
    const shown = registered(repository, secret)
    return isForgeKnown ? shown : { ...shown, isForgeUnknown: true as const }
  })
  route(server, ENDPOINTS.changeRepository, async (request) => {
    const former = await getRepository(store, request.params.repository)
    const changed = await changeRepository(deps, former, request.body, doerOf(request))
    return { repository: viewRepository(changed.repository), warnings: changed.warnings }
  })
  route(server, ENDPOINTS.makeDeployKey, async (request) => {
    const repository = await getRepository(store, request.params.repository)
    const made = await makeDeployKey(deps, repository, doerOf(request))
    return { repository: viewRepository(made.repository), deployKey: made.deployKey }
  })
  route(server, ENDPOINTS.removeRepository, async (request) => {
    const repository = await getRepository(store, request.params.repository)
    await store.transact(async (write) => {
      await write.repositories.remove(repository.id)
      const before = { forge: repository.forge, host: cloneHost(repository.cloneUrl) }
      const by = doerOf(request)
      write.audit.add(by, { action: 'repository.removed', subject: repository, before })
    })
    return { ok: true } as const
  })
  addWebhookRoutes(server, deps)
}

function addWebhookRoutes(server: HttpServer, deps: RepositoryDeps): void {
  const { store, vault, publicUrl, requestsReach: reach = 'usual' } = deps
  const { hosts = ANY_HOSTS } = deps.gitEnv
  route(server, ENDPOINTS.renewWebhookSecret, async (request) => {
    const repository = await getRepository(store, request.params.repository)
    webhookForge(repository)
    const secret = newWebhookSecret()
    const { formerEndsInMs } = request.query
    const formerEndsAt = Date.now() + formerEndsInMs
    await store.transact(async (write) => {
      const sealed = await vault.seal(write, secret, webhookSecretPlace(repository.id))
      await write.repositories.replaceWebhookSecret(repository.id, sealed, formerEndsAt)
      if (formerEndsInMs === 0) await write.repositories.endFormerSecrets([repository.id])
      const by = doerOf(request)
      write.audit.add(by, { action: 'webhook_secret.replaced', subject: repository })
    })
    return registered(repository, secret, formerEndsInMs === 0 ? undefined : formerEndsAt)
  })
  route(server, ENDPOINTS.testDelivery, async (request) => {
    const repository = await getRepository(store, request.params.repository)
    const forge = webhookForge(repository)
    const secret = openWebhookSecret(vault, repository)
    // Audited first: the delivery is signed with the secret, wherever it goes.
    const after = { host: cloneHost(request.body.url) }
    await store.transact(async (write) =>
      write.audit.add(doerOf(request), { action: 'webhook.tested', subject: repository, after }),
    )
    const listening = server.addresses()
    const ownPorts = listening.flatMap((at) => (typeof at === 'string' ? [] : [at.port]))
    const bounds = { reach, hosts, publicUrl, ownPorts }
    return await testDelivery({ ...repository, forge, secret }, request.body.url, bounds)
  })
}

function registered(repository: RepositoryRecord, secret: string, formerEndsAt?: number) {
  const shown = { repository: viewRepository(repository) }
  if (!hasWebhooks(repository.forge)) return shown
  const path = webhookPath(repository)
  return { ...shown, webhook: { path, secret, ...present({ formerEndsAt }) } }
}

function webhookForge({ name, forge }: RepositoryRecord): WebhookForge {
  if (hasWebhooks(forge)) return forge
  throw new NarwhalError('conflict', `${name} has no webhook: it is polled`)
}
