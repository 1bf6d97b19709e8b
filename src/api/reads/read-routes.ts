import type { FastifyRequest } from 'fastify'
import {
  pipelineList,
  pipelineParams,
  pipelineQuery,
  pipelineWithJobs,
  repositoryList,
  repositoryParams,
  statusBody,
  userList,
} from '../../contract/rest/rest.ts'
import { awaitingList, awaitingQuery } from '../../contract/rest/rest-approvals.ts'
import { shownForgeLink } from '../../contract/rest/rest-forge-links.ts'
import { repositoryView } from '../../contract/rest/views.ts'
import { waterfallView } from '../../contract/waterfall/waterfall.ts'
import { waterfallOf } from '../../contract/waterfall/waterfall-of.ts'
import type { RepositoryId } from '../../core/ids.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { isSearch, type PipelineFilter, type StoreReader } from '../../store/store.ts'
import { scopeOf } from '../auth/scope.ts'
import { whoAsks } from '../auth/who-asks.ts'
import type { LiveSource } from '../live-source.ts'
import { FairPlaces } from '../logs/fair-places.ts'
import { registerLogRoutes } from '../logs/log-routes.ts'
import { getPipeline, getRepository } from '../lookups.ts'
import { orError } from '../responses.ts'
import { registerAuditReads } from './audit-routes.ts'
import { viewForgeLink } from './forge-link-view.ts'
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
  const schema = {
    summary: 'The version, and the number of the newest state change',
    tags: ['status'],
    response: orError(statusBody),
  }
  server.get('/api/v1/status', { schema }, async () => {
    return { version: server.swagger().info.version, seq: await store.lastChange() }
  })
  server.get('/api/v1/openapi.json', { schema: { hide: true } }, async () => server.swagger())
}

function registerUserReads(server: HttpServer, store: StoreReader): void {
  const schema = { summary: 'The users', tags: ['users'], response: orError(userList) }
  server.get('/api/v1/users', { schema }, async () => ({ users: await store.listUsers() }))
}

function registerRepositoryReads(server: HttpServer, store: StoreReader): void {
  const tags = ['repositories']
  const list = { summary: 'The registered repositories', tags, response: orError(repositoryList) }
  server.get('/api/v1/repositories', { schema: list }, async (request) => {
    const scope = scopeOf(request)
    const records = await store.listRepositories()
    const shown = scope ? records.filter(({ id }) => scope.includes(id)) : records
    return { repositories: shown.map(viewRepository) }
  })
  const show = {
    summary: 'A repository, by its id or its name',
    tags,
    params: repositoryParams,
    response: orError(repositoryView),
  }
  server.get('/api/v1/repositories/:repository', { schema: show }, async (request) => {
    const repository = await getRepository(store, request.params.repository)
    const accounts = await viewAccounts(store, repository, Date.now())
    return { ...viewRepository(repository), ...accounts }
  })
  const link = {
    summary: "Where the statuses of a repository's commits are told, and what was told last",
    tags,
    params: repositoryParams,
    response: orError(shownForgeLink),
  }
  server.get('/api/v1/repositories/:repository/forge-link', { schema: link }, async (request) => {
    const repository = await getRepository(store, request.params.repository)
    return { link: await viewForgeLink(store, repository) }
  })
}

function registerAwaitingReads(server: HttpServer, store: StoreReader): void {
  const schema = {
    summary: 'What waits for approval, over all repositories, the longest waiting first',
    tags: ['approvals'],
    querystring: awaitingQuery,
    response: orError(awaitingList),
  }
  server.get('/api/v1/approvals', { schema }, async (request) => ({
    pipelines: await store.listAwaiting({ limit: request.query.limit, ...within(request) }),
  }))
}

function registerPipelineReads(server: HttpServer, store: StoreReader): void {
  const tags = ['pipelines']
  const list = {
    summary: 'Pipelines, newest first, in pages',
    tags,
    querystring: pipelineQuery,
    response: orError(pipelineList),
  }
  const places = new FairPlaces(SEARCHES)
  server.get('/api/v1/pipelines', { schema: list }, async (request, reply) => {
    const { repository, ...query } = request.query
    const filter: PipelineFilter = { ...(query as PipelineFilter), ...within(request) }
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort(new NarwhalError('cancelled', 'the client has gone')))
    const of = repository === undefined ? undefined : await getRepository(store, repository)
    using _place = isSearch(filter) ? await places.take(whoAsks(request), gone.signal) : undefined
    const whole = of ? { ...filter, repositoryId: of.id } : filter
    return { pipelines: await store.listPipelineViews(whole, gone.signal) }
  })
  const show = {
    summary: 'A pipeline with its jobs, their attempts and steps',
    tags,
    params: pipelineParams,
    response: orError(pipelineWithJobs),
  }
  server.get('/api/v1/pipelines/:pipeline', { schema: show }, async (request) => {
    const id = request.params.pipeline
    // The number first: what changes between the reads is then told again, and nothing is missed.
    const seq = await store.lastChange()
    const pipeline = await getPipeline(store, id)
    return { pipeline, jobs: await store.listJobViews(id), seq }
  })
  registerWaterfall(server, store)
}

function registerWaterfall(server: HttpServer, store: StoreReader): void {
  const schema = {
    summary: "Where a pipeline's time went: spans on one clock, with the critical path",
    tags: ['pipelines'],
    params: pipelineParams,
    response: orError(waterfallView),
  }
  server.get('/api/v1/pipelines/:pipeline/waterfall', { schema }, async (request) => {
    const id = request.params.pipeline
    const pipeline = await getPipeline(store, id)
    return waterfallOf(pipeline, await store.listJobViews(id), Date.now())
  })
}
