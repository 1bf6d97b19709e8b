import { doerOf } from '../../api/auth/doer-of.ts'
import { getRepository } from '../../api/lookups.ts'
import { viewForgeLink } from '../../api/reads/forge-link-view.ts'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import type { GitEnv } from '../../lib/git/git.ts'
import { present } from '../../lib/present.ts'
import type { Uses } from '../../store/store.ts'
import type { Vault } from '../../vault/vault.ts'
import { linkFacts, linkForge } from './link-forge.ts'
import type { Statuses } from './report-statuses.ts'

export interface ForgeLinkDeps {
  readonly store: Uses<'forgeLinks' | 'repositories' | 'statuses' | 'transact'>
  readonly vault: Vault
  readonly gitEnv: GitEnv
  readonly statuses: Pick<Statuses, 'refresh'>
}

/** Adds routes that set where commit statuses are reported. */
export function addForgeLinkRoutes(server: HttpServer, deps: ForgeLinkDeps): void {
  const { store, statuses } = deps
  route(server, ENDPOINTS.linkForge, async (request) => {
    const repository = await getRepository(store, request.params.repository)
    await linkForge(deps, repository, request.body, doerOf(request))
    void statuses.refresh()
    return { link: await viewForgeLink(store, repository) }
  })
  route(server, ENDPOINTS.unlinkForge, async (request) => {
    const repository = await getRepository(store, request.params.repository)
    await store.transact(async (write) => {
      const former = await write.forgeLinks.find(repository.id)
      await write.forgeLinks.remove(repository.id)
      const before = present({ before: former && linkFacts(former) })
      const by = doerOf(request)
      write.audit.add(by, { action: 'forge_link.removed', subject: repository, ...before })
    })
    void statuses.refresh()
    return { ok: true } as const
  })
}
