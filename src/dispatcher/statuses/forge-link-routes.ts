import { doerOf } from '../../api/auth/doer-of.ts'
import { getRepository } from '../../api/lookups.ts'
import { viewForgeLink } from '../../api/reads/forge-link-view.ts'
import { accepted, repositoryParams } from '../../contract/rest/rest.ts'
import { newForgeLink, shownForgeLink } from '../../contract/rest/rest-forge-links.ts'
import type { HttpServer } from '../../http/http-server.ts'
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
  const url = '/api/v1/repositories/:repository/forge-link'
  const tags = ['repositories']
  server.put(url, {
    schema: {
      summary: "Tell a repository's forge how its commits' pipelines stand",
      tags,
      params: repositoryParams,
      body: newForgeLink,
      response: { 200: shownForgeLink },
    },
    handler: async (request) => {
      const repository = await getRepository(store, request.params.repository)
      await linkForge(deps, repository, request.body, doerOf(request))
      void statuses.look()
      return { link: await viewForgeLink(store, repository) }
    },
  })
  server.delete(url, {
    schema: {
      summary: "Tell a repository's forge nothing any more, and forget the token",
      tags,
      params: repositoryParams,
      response: { 200: accepted },
    },
    handler: async (request) => {
      const repository = await getRepository(store, request.params.repository)
      await store.transact(async (write) => {
        const former = await write.findForgeLink(repository.id)
        await write.removeForgeLink(repository.id)
        const before = former ? { before: linkFacts(former) } : {}
        const by = doerOf(request)
        write.audit(by, { action: 'forge_link.removed', subject: repository, ...before })
      })
      void statuses.look()
      return { ok: true } as const
    },
  })
}
