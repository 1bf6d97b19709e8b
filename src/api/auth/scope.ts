import type { FastifyRequest } from 'fastify'
import type { LiveTopic } from '../../contract/live/live-protocol.ts'
import { API, type Reach } from '../../contract/rest/endpoints/routes.ts'
import type { JobId, PipelineId, RepositoryId } from '../../core/ids.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Asker, RepositoryRecord } from '../../store/records.ts'
import type { Reads } from '../../store/store.ts'
import { getRepository, noRepository } from '../lookups.ts'
import { routeAt } from './needed-role.ts'

/** The repositories that the caller is limited to; undefined: all. */
export function scopeOf({ user }: Pick<FastifyRequest, 'user'>): Scope {
  return user?.limits?.repositories
}

export type Scope = readonly RepositoryId[] | undefined

/** Rejects requests about something outside the caller's scope as if it did not exist. */
export async function checkScope(
  request: FastifyRequest,
  store: Reads<'jobs' | 'pipelines' | 'repositories'>,
): Promise<void> {
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
      await checkRepository(store, scope, repository)
      return
    case 'pipeline':
      return await checkPipeline(store, scope, pipeline as PipelineId)
    case 'job':
      return await checkJob(store, scope, job as JobId)
    case 'named in the body':
      return await checkBody(store, scope, body)
    case undefined:
      throw new NarwhalError(
        'forbidden',
        'this token is limited to some repositories, but this concerns more than those: use another token',
      )
  }
}

/** How a limited token's access to a route is decided, by the URL that the route was registered with. */
export function reachOf(method: string, url: string): Reach | undefined {
  // Only web processes have it, for everything that they forward.
  if (url === `${API}/*`) return 'forwarded'
  return routeAt(method, url)?.reach
}

/** The repository, if it exists and is in the scope; otherwise rejects in the same way. */
export async function checkRepository(
  store: Reads<'repositories'>,
  scope: Scope,
  idOrName: string,
): Promise<RepositoryRecord> {
  const repository = await getRepository(store, idOrName)
  if (scope && !scope.includes(repository.id)) throw noRepository(idOrName)
  return repository
}

async function checkPipeline(
  store: Reads<'pipelines'>,
  scope: readonly RepositoryId[],
  id: PipelineId,
): Promise<void> {
  const found = await store.pipelines.findView(id)
  if (found && scope.includes(found.repositoryId)) return
  throw new NarwhalError('not_found', `there is no pipeline ${id}`)
}

async function checkJob(
  store: Reads<'jobs'>,
  scope: readonly RepositoryId[],
  id: JobId,
): Promise<void> {
  const job = await store.jobs.find(id)
  if (job && scope.includes(job.repositoryId)) return
  throw new NarwhalError('not_found', `there is no job ${id}`)
}

async function checkBody(
  store: Reads<'pipelines' | 'repositories'>,
  scope: readonly RepositoryId[],
  body: unknown,
): Promise<void> {
  const { repository, approvals } = body as {
    readonly repository?: string
    readonly approvals?: readonly { readonly pipeline: PipelineId }[]
  }
  if (repository !== undefined) await checkRepository(store, scope, repository)
  else for (const { pipeline } of approvals ?? []) await checkPipeline(store, scope, pipeline)
}

/** The same for subscriptions of a WebSocket. */
export async function checkTopic(
  store: Reads<'jobs' | 'pipelines'>,
  scope: Scope,
  topic: LiveTopic,
): Promise<void> {
  if (!scope) return
  if (topic.kind === 'pipeline') return await checkPipeline(store, scope, topic.pipelineId)
  if (topic.kind === 'log') return await checkJob(store, scope, topic.jobId)
  throw new NarwhalError('forbidden', 'this token is limited to some repositories: name a pipeline')
}

/** A token with restrictions must not be exchanged for one without them. */
export function refuseLimited(asker: Pick<Asker, 'limits'>): void {
  if (!asker.limits) return
  const message = "this token is restricted, and can't create credentials with more permissions"
  throw new NarwhalError('forbidden', `${message}: use another token, or sign in`)
}
