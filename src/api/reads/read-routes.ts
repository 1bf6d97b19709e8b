import type { FastifyRequest } from 'fastify'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import { ROUTES, urlOf } from '../../contract/rest/endpoints/routes.ts'
import type { RepositoryId } from '../../core/ids.ts'
import { waterfallOf } from '../../core/waterfall/waterfall-of.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { isSearch, type PipelineFilter } from '../../store/ports/pipelines.ts'
import { type StoreReader } from '../../store/store.ts'
import { checkRepository, scopeOf } from '../auth/scope.ts'
import { whoAsks } from '../auth/who-asks.ts'
import type { LiveSource } from '../live-source.ts'
import { FairPlaces } from '../logs/fair-places.ts'
import { registerLogRoutes } from '../logs/log-routes.ts'
import { getPipeline, getRepository } from '../lookups.ts'
import { registerAuditReads } from './audit-routes.ts'
import { viewForgeLink, viewForgeRefusal } from './forge-link-view.ts'
import { registerIdTokenReads } from './id-token-routes.ts'
import { registerInsights } from './insight-routes.ts'
import { registerJobReads } from './read-routes-jobs.ts'
import { registerRunnerReads } from './read-routes-runners.ts'
import { viewAccounts } from './repository-accounts.ts'
import { viewRepository } from './repository-view.ts'
import { registerSecretReads } from './secret-reads.ts'

/**
 * A search may have to look at every pipeline that there ever was. Each goes step by step, so that few at a
 * time leave room for all else; those that come meanwhile have their turn behind them.
 */
const SEARCHES = {
  atOnce: 3,
  atOnceOfOne: 2,
  waiting: 40,
  ofOne: 10,
  doing: 'searches go through pipelines',
}

export interface ReadDeps {
  readonly store: StoreReader
  readonly live: LiveSource
  /** Of id tokens; absent: none is set, and no documents are served. */
  readonly issuer?: string | undefined
}

/** What lists are narrowed to by the token of who asks. */
function within(request: FastifyRequest): { readonly repositoryIds?: readonly RepositoryId[] } {
  const scope = scopeOf(request)
  return scope ? { repositoryIds: scope } : {}
}

/** Adds all that can be read, in whichever process it is asked. */
export function registerReadRoutes(server: HttpServer, deps: ReadDeps): void {
  registerStatus(server, deps.store)
  registerRepositoryReads(server, deps.store)
  registerPipelineReads(server, deps.store)
  registerAwaitingReads(server, deps.store)
  registerJobReads(server, deps.store)
  registerLogRoutes(server, deps)
  registerRunnerReads(server, deps.store)
  registerInsights(server, deps.store)
  registerUserReads(server, deps.store)
  registerSecretReads(server, deps.store)
  registerIdTokenReads(server, deps)
  registerAuditReads(server, deps.store)
}

function registerStatus(server: HttpServer, store: StoreReader): void {
  route(server, ENDPOINTS.status, async () => {
    return { version: server.swagger().info.version, seq: await store.changes.last() }
  })
  server.get(urlOf(ROUTES.openApi), { schema: { hide: true } }, async () => server.swagger())
}

function registerUserReads(server: HttpServer, store: StoreReader): void {
  route(server, ENDPOINTS.listUsers, async () => ({ users: await store.users.list() }))
}

function registerRepositoryReads(server: HttpServer, store: StoreReader): void {
  route(server, ENDPOINTS.listRepositories, async (request) => {
    const scope = scopeOf(request)
    const records = await store.repositories.list()
    const shown = scope ? records.filter(({ id }) => scope.includes(id)) : records
    return { repositories: shown.map(viewRepository) }
  })
  route(server, ENDPOINTS.getRepository, async (request) => {
    const repository = await getRepository(store, request.params.repository)
    const accounts = await viewAccounts(store, repository, Date.now())
    const refusal = await viewForgeRefusal(store, repository)
    return { ...viewRepository(repository), ...accounts, ...refusal }
  })
  route(server, ENDPOINTS.getForgeLink, async (request) => {
    const repository = await getRepository(store, request.params.repository)
    return { link: await viewForgeLink(store, repository) }
  })
}

function registerAwaitingReads(server: HttpServer, store: StoreReader): void {
  route(server, ENDPOINTS.listAwaiting, async (request) => ({
    pipelines: await store.pipelines.listAwaiting({
      limit: request.query.limit,
      ...within(request),
    }),
  }))
}

function registerPipelineReads(server: HttpServer, store: StoreReader): void {
  const places = new FairPlaces(SEARCHES)
  route(server, ENDPOINTS.listPipelines, async (request, reply) => {
    const { repository, ...query } = request.query
    const filter: PipelineFilter = { ...(query as PipelineFilter), ...within(request) }
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort(new NarwhalError('cancelled', 'the client has gone')))
    // For another's an empty list would tell that it is there.
    const of =
      repository === undefined
        ? undefined
        : await checkRepository(store, scopeOf(request), repository)
    using _place = isSearch(filter) ? await places.take(whoAsks(request), gone.signal) : undefined
    const whole = of ? { ...filter, repositoryId: of.id } : filter
    return { pipelines: await store.pipelines.listViews(whole, gone.signal) }
  })
  route(server, ENDPOINTS.getPipeline, async (request) => {
    const id = request.params.pipeline
    // The number first: what changes between the reads is then told again, and nothing is missed.
    const seq = await store.changes.last()
    const pipeline = await getPipeline(store, id)
    return { pipeline, jobs: await store.jobs.listViews(id), seq }
  })
  registerWaterfall(server, store)
}

function registerWaterfall(server: HttpServer, store: StoreReader): void {
  route(server, ENDPOINTS.getWaterfall, async (request) => {
    const id = request.params.pipeline
    const pipeline = await getPipeline(store, id)
    const jobs = await store.jobs.listViews(id)
    const { spans, ...waterfall } = waterfallOf(pipeline, jobs, Date.now())
    return { ...waterfall, spans: [...spans] }
  })
}
