import { doerOf } from '../../api/auth/doer-of.ts'
import { getRepository } from '../../api/lookups.ts'
import { viewForgeLink } from '../../api/reads/forge-link-view.ts'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import type { Store } from '../../store/store.ts'
import type { Vault } from '../../vault/vault.ts'
import { linkFacts, linkForge } from './link-forge.ts'
import type { Statuses } from './tell-statuses.ts'

export interface ForgeLinkDeps {
  readonly store: Store
  readonly vault: Vault
  readonly statuses: Pick<Statuses, 'look'>
}

/** Adds what says where the statuses of commits are told. */
export function addForgeLinkRoutes(server: HttpServer, deps: ForgeLinkDeps): void {
  const { store, statuses } = deps
  route(server, ENDPOINTS.linkForge, async (request) => {
    const repository = await getRepository(store, request.params.repository)
    await linkForge(deps, repository, request.body, doerOf(request))
    void statuses.look()
    return { link: await viewForgeLink(store, repository) }
  })
  route(server, ENDPOINTS.unlinkForge, async (request) => {
    const repository = await getRepository(store, request.params.repository)
    await store.transact(async (write) => {
      const former = await write.forgeLinks.find(repository.id)
      await write.forgeLinks.remove(repository.id)
      const before = former ? { before: linkFacts(former) } : {}
      const by = doerOf(request)
      write.audit.add(by, { action: 'forge_link.removed', subject: repository, ...before })
    })
    void statuses.look()
    return { ok: true } as const
  })
}
