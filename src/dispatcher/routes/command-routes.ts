import { doerOf } from '../../api/auth/doer-of.ts'
import { getJob, getPipeline, getRepository } from '../../api/lookups.ts'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { RequestsReach } from '../../core/access/user-requests.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import type { GitEnv } from '../../lib/git/git.ts'
import { present } from '../../lib/present.ts'
import type { UserRecord } from '../../store/records.ts'
import type { Store } from '../../store/store.ts'
import type { Vault } from '../../vault/vault.ts'
import type { Dispatcher } from '../dispatcher.ts'
import { expectStarts } from '../queue/expect-starts.ts'
import { addRepositoryRoutes } from '../repositories/repository-routes.ts'
import { addForgeLinkRoutes } from '../statuses/forge-link-routes.ts'
import type { Statuses } from '../statuses/report-statuses.ts'
import { addApprovalRoutes } from './approval-routes.ts'
import { addHoldRoutes } from './hold-routes.ts'
import { addIdTokenRoutes } from './id-token-routes.ts'
import { addRedactRoutes } from './redact-routes.ts'
import { addRetentionRoutes, type RetentionRouteDeps } from './retention-routes.ts'
import { addRunnerRoutes } from './runner-routes.ts'
import { addSecretRoutes } from './secret-routes.ts'
import { addTokenRoutes } from './token-routes.ts'
import { addUserRoutes } from './user-routes.ts'

export interface CommandDeps {
  /** The rules of retention; everything is kept by default. */
  readonly kept?: Omit<RetentionRouteDeps, 'store'>
  readonly dispatcher: Dispatcher
  readonly store: Store
  readonly vault: Vault
  readonly gitEnv: GitEnv
  readonly requestsReach?: RequestsReach
  readonly publicUrl?: string | undefined
  readonly statuses: Pick<Statuses, 'refresh'>
  /** The issuer of id tokens; absent: none is set. */
  readonly issuer?: string | undefined
}

const KEEP_ALL = { rules: { logs: 'forever', pipelines: 'forever' } } as const

/** Adds all routes of the REST API that change something, and the queue. */
export function registerCommandRoutes(server: HttpServer, deps: CommandDeps): void {
  void server.register(async (plugin) => {
    const scope = plugin as unknown as HttpServer
    // The dispatcher would wait for an unavailable store; people get an error at once.
    scope.addHook('preHandler', () => deps.store.ping())
    addRepositoryRoutes(scope, deps)
    addForgeLinkRoutes(scope, deps)
    addPipelineRoutes(scope, deps)
    addApprovalRoutes(scope, deps)
    addJobRoutes(scope, deps)
    addRedactRoutes(scope, deps)
    addRunnerRoutes(scope, deps)
    addTokenRoutes(scope, deps.store)
    addUserRoutes(scope, deps.store)
    addSecretRoutes(scope, deps)
    addIdTokenRoutes(scope, deps)
    addHoldRoutes(scope, deps)
    addRetentionRoutes(scope, { store: deps.store, ...(deps.kept ?? KEEP_ALL) })
  })
}

function addPipelineRoutes(server: HttpServer, { dispatcher, store }: CommandDeps): void {
  route(server, ENDPOINTS.startPipeline, async (request) => {
    const { repository, ...start } = request.body
    const record = await getRepository(store, repository)
    const pipeline = await dispatcher.startPipeline(record, start, doerOf(request))
    return { pipeline }
  })
  route(server, ENDPOINTS.rerunPipeline, async (request) => {
    const pipeline = await dispatcher.rerunPipeline(request.params.pipeline, doerOf(request))
    return { pipeline }
  })
  route(server, ENDPOINTS.rerunFailed, async (request) => {
    await dispatcher.rerunFailed(request.params.pipeline, doerOf(request))
    return { pipeline: await getPipeline(store, request.params.pipeline) }
  })
  route(server, ENDPOINTS.cancelPipeline, async (request) => {
    const id = request.params.pipeline
    const reason = cancelReason(request.body, request.user)
    await dispatcher.cancelPipeline(id, reason, doerOf(request))
    return { pipeline: await getPipeline(store, id) }
  })
}

function addJobRoutes(server: HttpServer, { dispatcher, store }: CommandDeps): void {
  route(server, ENDPOINTS.listQueue, async (request) => {
    const { jobs, total } = await dispatcher.queue(request.query.limit)
    const { planShortage: reason, plannerWaits } = dispatcher.pool
    const unplanned = reason === undefined ? undefined : { reason, commits: plannerWaits.size }
    return { jobs: await expectStarts(store, jobs), total, ...present({ unplanned }) }
  })
  route(server, ENDPOINTS.rerunJob, async (request) => {
    await dispatcher.rerunJob(request.params.job, doerOf(request))
    return { job: await getJob(store, request.params.job) }
  })
  route(server, ENDPOINTS.cancelJob, async (request) => {
    const id = request.params.job
    const reason = cancelReason(request.body, request.user)
    await dispatcher.cancelJob(id, reason, doerOf(request))
    return { job: await getJob(store, id) }
  })
}

/** The reason that is shown: who has cancelled it, and why. */
function cancelReason({ reason }: { reason?: string | undefined }, user?: UserRecord): string {
  if (!user) return reason ?? 'cancelled manually'
  return reason ? `cancelled by ${user.name}: ${reason}` : `cancelled by ${user.name}`
}
