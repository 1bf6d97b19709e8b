import type { FastifyRequest } from 'fastify'
import type { LiveTopic } from '../../contract/live/live-protocol.ts'
import type { JobId, PipelineId, RepositoryId } from '../../core/ids.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Asker } from '../../store/records.ts'
import type { StoreReader } from '../../store/store.ts'

/**
 * What a token that is limited to some repositories may ask, route by route; what is not here it may not.
 *
 * - `open`: has nothing of any repository.
 * - `repository`, `pipeline`, `job`: by the parameter of that name, which must lead to one of its repositories.
 * - `filtered`: the route itself gives no others, by `scopeOf`.
 * - `named in the body`: by `repository`, or by the pipelines of `approvals`.
 * - `forwarded`: a dispatcher looks, whom this process asks in the same words.
 */
export const SCOPED_ROUTES: Readonly<Record<string, Reach>> = {
  'GET /api/v1/status': 'open',
  'GET /api/v1/session': 'open',
  'GET /api/v1/openapi.json': 'open',
  // Who holds one could use it: no more is asked of who takes it back.
  'POST /api/v1/tokens/revoke': 'open',
  'GET /api/v1/live': 'filtered',
  'GET /api/v1/repositories': 'filtered',
  'GET /api/v1/repositories/:repository': 'repository',
  'PATCH /api/v1/repositories/:repository': 'repository',
  'DELETE /api/v1/repositories/:repository': 'repository',
  'POST /api/v1/repositories/:repository/webhook-secret': 'repository',
  'POST /api/v1/repositories/:repository/test-delivery': 'repository',
  'PUT /api/v1/repositories/:repository/retention': 'repository',
  'GET /api/v1/repositories/:repository/forge-link': 'repository',
  'PUT /api/v1/repositories/:repository/forge-link': 'repository',
  'DELETE /api/v1/repositories/:repository/forge-link': 'repository',
  'GET /api/v1/repositories/:repository/secrets': 'repository',
  'PUT /api/v1/repositories/:repository/secrets/:secret': 'repository',
  'DELETE /api/v1/repositories/:repository/secrets/:secret': 'repository',
  'GET /api/v1/repositories/:repository/subject': 'repository',
  'GET /api/v1/repositories/:repository/trends': 'repository',
  'GET /api/v1/pipelines': 'filtered',
  'POST /api/v1/pipelines': 'named in the body',
  'GET /api/v1/pipelines/:pipeline': 'pipeline',
  'GET /api/v1/pipelines/:pipeline/config': 'pipeline',
  'GET /api/v1/pipelines/:pipeline/waterfall': 'pipeline',
  'POST /api/v1/pipelines/:pipeline/rerun': 'pipeline',
  'POST /api/v1/pipelines/:pipeline/rerun-failed': 'pipeline',
  'POST /api/v1/pipelines/:pipeline/cancel': 'pipeline',
  'POST /api/v1/pipelines/:pipeline/approve': 'pipeline',
  'PUT /api/v1/pipelines/:pipeline/hold': 'pipeline',
  'DELETE /api/v1/pipelines/:pipeline/hold': 'pipeline',
  'GET /api/v1/approvals': 'filtered',
  'POST /api/v1/approvals': 'named in the body',
  'GET /api/v1/jobs/:job': 'job',
  'POST /api/v1/jobs/:job/rerun': 'job',
  'POST /api/v1/jobs/:job/cancel': 'job',
  'GET /api/v1/jobs/:job/attempts': 'job',
  'GET /api/v1/jobs/:job/attempts/:attempt': 'job',
  'GET /api/v1/jobs/:job/attempts/:attempt/steps': 'job',
  'GET /api/v1/jobs/:job/attempts/:attempt/log': 'job',
  'GET /api/v1/jobs/:job/attempts/:attempt/log/sections': 'job',
  'GET /api/v1/jobs/:job/attempts/:attempt/log/search': 'job',
  'GET /api/v1/jobs/:job/attempts/:attempt/log.txt': 'job',
  'GET /api/v1/jobs/:job/attempts/:attempt/log/follow': 'job',
  // Only a web process has it; what is more exact comes first.
  '* /api/v1/*': 'forwarded',
}

type Reach =
  | 'open'
  | 'repository'
  | 'pipeline'
  | 'job'
  | 'filtered'
  | 'named in the body'
  | 'forwarded'

/** The repositories that who asks is limited to; undefined: all. */
export function scopeOf({ user }: Pick<FastifyRequest, 'user'>): Scope {
  return user?.limits?.repositories
}

export type Scope = readonly RepositoryId[] | undefined

/** Rejects unless who asks may have the route, by what it names, as whoever asks for what is not there. */
export async function checkScope(request: FastifyRequest, store: StoreReader): Promise<void> {
  const scope = scopeOf(request)
  if (!scope) return
  const { method, routeOptions, params, body } = request
  const { repository = '', pipeline = '', job = '' } = params as Record<string, string>
  switch (reachOf(method, routeOptions.url ?? '')) {
    case 'open':
    case 'filtered':
    case 'forwarded':
      return
    case 'repository':
      return await checkRepository(store, scope, repository)
    case 'pipeline':
      return await checkPipeline(store, scope, pipeline as PipelineId)
    case 'job':
      return await checkJob(store, scope, job as JobId)
    case 'named in the body':
      return await checkBody(store, scope, body)
    case undefined:
      throw new NarwhalError(
        'forbidden',
        'this token is limited to some repositories, and this is not about one of them alone: use another token',
      )
  }
}

function reachOf(method: string, url: string): Reach | undefined {
  const asked = method === 'HEAD' ? 'GET' : method
  return SCOPED_ROUTES[`${asked} ${url}`] ?? SCOPED_ROUTES[`* ${url}`]
}

async function checkRepository(
  store: StoreReader,
  scope: readonly RepositoryId[],
  idOrName: string,
): Promise<void> {
  const found = await store.findRepository(idOrName)
  if (found && scope.includes(found.id)) return
  const words = `there is no repository "${idOrName}"; see \`narwhal repo list\``
  throw new NarwhalError('not_found', words)
}

async function checkPipeline(
  store: StoreReader,
  scope: readonly RepositoryId[],
  id: PipelineId,
): Promise<void> {
  const found = await store.findPipelineView(id)
  if (found && scope.includes(found.repositoryId)) return
  throw new NarwhalError('not_found', `there is no pipeline ${id}`)
}

async function checkJob(
  store: StoreReader,
  scope: readonly RepositoryId[],
  id: JobId,
): Promise<void> {
  const pipelineId = (await store.findJobView(id))?.pipelineId
  const pipeline = pipelineId && (await store.findPipelineView(pipelineId))
  if (pipeline && scope.includes(pipeline.repositoryId)) return
  throw new NarwhalError('not_found', `there is no job ${id}`)
}

async function checkBody(
  store: StoreReader,
  scope: readonly RepositoryId[],
  body: unknown,
): Promise<void> {
  const { repository, approvals } = body as {
    readonly repository?: string
    readonly approvals?: readonly { readonly pipeline: PipelineId }[]
  }
  if (repository !== undefined) return await checkRepository(store, scope, repository)
  for (const { pipeline } of approvals ?? []) await checkPipeline(store, scope, pipeline)
}

/** The same for what a websocket subscribes to. */
export async function checkTopic(
  store: StoreReader,
  scope: Scope,
  topic: LiveTopic,
): Promise<void> {
  if (!scope) return
  if (topic.kind === 'pipeline') return await checkPipeline(store, scope, topic.pipelineId)
  if (topic.kind === 'log') return await checkJob(store, scope, topic.jobId)
  throw new NarwhalError('forbidden', 'this token is limited to some repositories: name a pipeline')
}

/** A token with less than all rights of its owner must not be exchanged for one that has them. */
export function refuseLimited(asker: Pick<Asker, 'limits'>): void {
  if (!asker.limits) return
  const words =
    'this token has less than the rights of its owner, and can make nothing that has more'
  throw new NarwhalError('forbidden', `${words}: use another token, or sign in`)
}
