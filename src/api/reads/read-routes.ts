import type { FastifyRequest } from 'fastify'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import { ROUTES, urlOf } from '../../contract/rest/endpoints/routes.ts'
import type { RepositoryId } from '../../core/ids.ts'
import { waterfallOf } from '../../core/waterfall/waterfall-of.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import { isSearch, type PipelineFilter } from '../../store/ports/pipelines.ts'
import { type Reads, type StoreReader } from '../../store/store.ts'
import { checkRepository, scopeOf } from '../auth/scope.ts'
import { whoAsks } from '../auth/who-asks.ts'
import type { LiveSource } from '../live-source.ts'
import { FairPlaces } from '../logs/fair-places.ts'
import { registerLogRoutes } from '../logs/log-routes.ts'
import { getPipeline, getRepository } from '../lookups.ts'
import { registerAuditReads } from './audit-routes.ts'
import { registerDeliveryReads } from './delivery-reads.ts'
import { findStatusRefusal, viewForgeLink, viewForgeRefusal } from './forge-link-view.ts'
import { registerIdTokenReads } from './id-token-routes.ts'
import { registerInsights } from './insight-routes.ts'
import { registerJobReads } from './read-routes-jobs.ts'
import { registerRunnerReads } from './read-routes-runners.ts'
import { viewAccounts } from './repository-accounts.ts'
import { viewRepository } from './repository-view.ts'
import { registerSecretReads } from './secret-reads.ts'

/**
 * A search may have to scan all pipelines. Each runs in steps, and few run concurrently, to leave room for
 * everything else; the others wait.
 */
const SEARCHES = {
  atOnce: 3,
  atOnceOfOne: 2,
  waiting: 40,
  ofOne: 10,
  doing: 'searches of pipelines are running',
}

export interface ReadDeps {
  readonly store: StoreReader
  readonly live: LiveSource
  /** Of id tokens; absent: not configured, and no documents are served. */
  readonly issuer?: string | undefined
}

/** Restricts a list to the scope of the caller's token. */
function within(request: FastifyRequest): { readonly repositoryIds?: readonly RepositoryId[] } {
  return present({ repositoryIds: scopeOf(request) })
}

/** Adds all reading routes, in any process. */
export function registerReadRoutes(server: HttpServer, deps: ReadDeps): void {
  registerStatus(server, deps.store)
  registerRepositoryReads(server, deps.store)
  registerPipelineReads(server, deps.store)
  registerDeliveryReads(server, deps.store)
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

function registerStatus(server: HttpServer, store: Reads<'changes'>): void {
  route(server, ENDPOINTS.status, async () => {
    return { version: server.swagger().info.version, seq: await store.changes.last() }
  })
  server.get(urlOf(ROUTES.openApi), { schema: { hide: true } }, async () => server.swagger())
}

function registerUserReads(server: HttpServer, store: Reads<'users'>): void {
  route(server, ENDPOINTS.listUsers, async () => ({ users: await store.users.list() }))
}

function registerRepositoryReads(
  server: HttpServer,
  store: Reads<'accounts' | 'forgeLinks' | 'repositories' | 'statuses'>,
): void {
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

function registerAwaitingReads(server: HttpServer, store: Reads<'pipelines'>): void {
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
    reply.raw.once('close', () => gone.abort(new NarwhalError('cancelled', 'client disconnected')))
    // An empty list for a repository outside the scope would reveal that it exists.
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
    // The number first: changes between the reads are then sent again rather than missed.
    const seq = await store.changes.last()
    const pipeline = await getPipeline(store, id)
    const jobs = await store.jobs.listViews(id)
    return { pipeline, jobs, seq, ...(await findStatusRefusal(store, pipeline)) }
  })
  registerWaterfall(server, store)
}

function registerWaterfall(
  server: HttpServer,
  store: Reads<'jobs' | 'pipelines' | 'retention'>,
): void {
  route(server, ENDPOINTS.getWaterfall, async (request) => {
    const id = request.params.pipeline
    const pipeline = await getPipeline(store, id)
    const jobs = await store.jobs.listViews(id)
    const { spans, ...waterfall } = waterfallOf(pipeline, jobs, Date.now())
    return { ...waterfall, spans: [...spans] }
  })
}
