import { z } from 'zod'
import type { LiveTopic } from '#root/src/contract/live/live-protocol.ts'
import {
  cancelRequest,
  changedUser,
  newJoinToken,
  newRunner,
  newUser,
  pipelineQuery,
  startPipeline,
} from '#root/src/contract/rest/rest.ts'
import { newForgeLink } from '#root/src/contract/rest/rest-forge-links.ts'
import type { RepositoryView } from '#root/src/contract/rest/rest-repositories.ts'
import { newRepository } from '#root/src/contract/rest/rest-repositories.ts'
import { newToken } from '#root/src/contract/rest/rest-tokens.ts'
import type {
  JobView,
  LogLine,
  PipelineView,
  QueuedJobView,
  RunnerView,
} from '#root/src/contract/rest/views.ts'
import type { HttpServer } from '#root/src/http/http-server.ts'
import { openMetrics } from '#root/src/http/metrics.ts'
import { createHttpServer, listen } from '#root/src/http/server.ts'
import { NarwhalError } from '#root/src/lib/errors.ts'
import { silentLog } from '#root/src/lib/log.ts'
import { FakeLive, type FakeSocket } from './fake-live.ts'
import { NOON } from './views.ts'

/** A fake of the API: a few views in memory, over the real HTTP server, with a websocket that can be cut. */
export interface FakeNarwhal extends AsyncDisposable {
  readonly url: string
  repositories: RepositoryView[]
  pipelines: PipelineView[]
  jobs: JobView[]
  runners: RunnerView[]
  queue: QueuedJobView[]
  readonly logs: Map<string, LogLine[]>
  /** The requests, as `POST /api/v1/pipelines {"repository":…}`. */
  readonly requests: string[]
  /** If set, the only valid token. */
  token: string | undefined
  /** Live connections so far, and the subscribed topics. */
  connections: number
  readonly topics: LiveTopic[]
  /** Replaces a view and notifies the subscribers. */
  change(view: PipelineView | JobView): void
  log(job: JobView, ...lines: LogLine[]): void
  endLog(job: JobView): void
  /** Cuts all live connections and followed logs. */
  drop(): void
  /** Answers that missed changes are gone, without any of them. */
  forget: boolean
}

export async function fakeNarwhal(): Promise<FakeNarwhal> {
  const server = await createHttpServer({
    log: silentLog(),
    metrics: openMetrics(),
    ready: async () => {},
    version: '0.0.0',
  })
  const live = new FakeLive()
  const fake: FakeNarwhal = {
    url: '',
    repositories: [],
    pipelines: [],
    jobs: [],
    runners: [],
    queue: [],
    logs: live.logs,
    requests: [],
    token: undefined,
    connections: 0,
    topics: live.topics,
    forget: false,
    change(view) {
      const list: { id: string }[] = 'event' in view ? fake.pipelines : fake.jobs
      const at = list.findIndex(({ id }) => id === view.id)
      if (at < 0) list.push(view)
      else list[at] = view
      live.change(
        'event' in view
          ? { type: 'pipeline.changed', seq: live.seq + 1, pipeline: view }
          : { type: 'job.changed', seq: live.seq + 1, job: view },
      )
    },
    log: (job, ...lines) => live.log(job, lines),
    endLog: (job) => live.endLog(job),
    drop: () => live.drop(),
    [Symbol.asyncDispose]: async () => {
      live.drop()
      await server.close()
    },
  }
  server.addHook('onRequest', async (request) => {
    if (fake.token && request.headers.authorization !== `Bearer ${fake.token}`) {
      throw new NarwhalError('unauthenticated', 'this needs a token')
    }
  })
  server.addHook('preHandler', async (request) => {
    const body = request.body ? ` ${JSON.stringify(request.body)}` : ''
    fake.requests.push(`${request.method} ${request.url}${body}`)
  })
  addReads(server, fake, live)
  addCommands(server, fake)
  addLogs(server, fake, live)
  server.get('/api/v1/live', { websocket: true }, (socket: FakeSocket) => {
    fake.connections += 1
    live.connect(socket, () => fake.forget)
  })
  const { url } = await listen(server, { host: '127.0.0.1', port: 0 })
  return Object.assign(fake, { url })
}

function get<T>(found: T | undefined, what: string): T {
  if (found) return found
  throw new NarwhalError('not_found', `there is no ${what}`)
}

function addReads(server: HttpServer, fake: FakeNarwhal, live: FakeLive): void {
  const base = '/api/v1'
  server.get(`${base}/repositories`, async () => ({ repositories: fake.repositories }))
  server.get(
    `${base}/pipelines`,
    { schema: { querystring: pipelineQuery } },
    async ({ query: { repository, before, limit } }) => {
      const all = fake.pipelines.filter(
        (one) =>
          !repository || one.repositoryName === repository || one.repositoryId === repository,
      )
      const start = before ? all.findIndex(({ id }) => id === before) + 1 : 0
      return { pipelines: all.slice(start, start + limit) }
    },
  )
  server.get<{ Params: { id: string } }>(`${base}/pipelines/:id`, async ({ params: { id } }) => {
    const pipeline = get(
      fake.pipelines.find((one) => one.id === id),
      `pipeline ${id}`,
    )
    return { pipeline, jobs: fake.jobs.filter((job) => job.pipelineId === id), seq: live.seq }
  })
  server.get<{ Params: { id: string } }>(`${base}/jobs/:id`, async ({ params: { id } }) => {
    return {
      job: get(
        fake.jobs.find((job) => job.id === id),
        `job ${id}`,
      ),
    }
  })
  server.get(`${base}/runners`, async () => ({ runners: fake.runners }))
  server.get(`${base}/queue`, async () => ({ jobs: fake.queue, total: fake.queue.length }))
  server.get(`${base}/tokens`, async () => ({
    tokens: [{ id: 'token_1', name: 'laptop', user: 'ada', createdAt: NOON }],
  }))
  server.get(`${base}/users`, async () => ({
    users: [{ id: 'user_1', name: 'ada', role: 'admin', createdAt: NOON }],
  }))
  const gpu = { labels: ['gpu'], createdAt: NOON, uses: 1, used: 0 }
  server.get(`${base}/runners/tokens`, async () => ({
    tokens: [
      { id: 'join_1', ...gpu, expiresAt: NOON + 3_600_000 },
      {
        id: 'join_2',
        ...gpu,
        labels: [],
        expiresAt: NOON,
        used: 1,
        usedAt: NOON,
        runnerId: 'runner_1',
      },
      { id: 'join_3', ...gpu, expiresAt: NOON + 1 },
    ],
  }))
}

function addCommands(server: HttpServer, fake: FakeNarwhal): void {
  const base = '/api/v1'
  server.post(
    `${base}/repositories`,
    { schema: { body: newRepository } },
    async ({ body: { name, cloneUrl, forge, pollIntervalMs } }) => {
      if (fake.repositories.some((one) => one.name === name)) {
        throw new NarwhalError('conflict', `there is a repository ${name} already`)
      }
      const repository = {
        id: 'repo_9' as const,
        name,
        cloneUrl,
        forge: forge ?? 'git',
        pollIntervalMs,
        createdAt: 0,
      }
      fake.repositories.push(repository)
      const webhook = { path: `/webhooks/${forge}/${repository.id}`, secret: 's3cret' }
      if (forge === undefined) return { repository, isForgeUnknown: true as const }
      return forge === 'git' ? { repository } : { repository, webhook }
    },
  )
  server.post(`${base}/repositories/:id/webhook-secret`, async () => ({
    repository: { ...fake.repositories[0], forge: 'github' },
    webhook: { path: '/webhooks/github/repo_1', secret: 'n3w', formerEndsAt: 1_900_000_000_000 },
  }))
  server.post(`${base}/pipelines`, { schema: { body: startPipeline } }, async ({ body }) => ({
    pipeline: get(fake.pipelines[0], `repository ${body.repository}`),
  }))
  server.post<{ Params: { id: string } }>(`${base}/pipelines/:id/rerun`, async () => ({
    pipeline: fake.pipelines[0],
  }))
  server.post(`${base}/pipelines/:id/cancel`, { schema: { body: cancelRequest } }, async () => ({
    pipeline: fake.pipelines[0],
  }))
  server.post(`${base}/jobs/:id/rerun`, async () => ({ job: fake.jobs[0] }))
  server.post(`${base}/jobs/:id/cancel`, { schema: { body: cancelRequest } }, async () => ({
    job: fake.jobs[0],
  }))
  server.post(`${base}/runners`, { schema: { body: newRunner } }, async () => ({
    runner: fake.runners[0],
  }))
  server.post(`${base}/runners/:id/drain`, async () => ({
    runner: { ...fake.runners[0], state: 'draining' },
  }))
  server.post(`${base}/runners/:id/resume`, async () => ({ runner: fake.runners[0] }))
  addAccessCommands(server, base)
}

function addAccessCommands(server: HttpServer, base: string): void {
  server.post(`${base}/tokens`, { schema: { body: newToken } }, async ({ body }) => ({
    id: 'token_2',
    name: body.name,
    user: body.user ?? 'ada',
    token: 'nwl_secret',
  }))
  server.post(`${base}/tokens/revoke`, async () => ({ revoked: 'access token', id: 'token_1' }))
  server.post(`${base}/session/links`, async () => ({ code: 'nwl_code', expiresAt: NOON }))
  server.post(`${base}/runners/tokens`, { schema: { body: newJoinToken } }, async ({ body }) => ({
    id: 'join_1',
    token: 'nwl_join',
    labels: body.labels,
    uses: body.uses,
    expiresAt: NOON,
  }))
  const grace = { id: 'user_2', name: 'grace', createdAt: NOON }
  server.post(`${base}/users`, { schema: { body: newUser } }, async ({ body }) => ({
    user: { ...grace, ...body },
  }))
  server.patch(`${base}/users/:id`, { schema: { body: changedUser } }, async ({ body }) => ({
    user: { ...grace, ...body },
  }))
  const link = `${base}/repositories/:id/forge-link`
  const shown = { apiUrl: 'https://git.example.com/api/v1', project: 'team/app', createdAt: NOON }
  const told = { pipelineId: 'pipeline_1', sha: 'c0ffee'.repeat(7).slice(0, 40), toldAt: NOON }
  server.put(
    link,
    { schema: { body: newForgeLink } },
    async ({ body: { token: _token, ...given } }) => ({
      link: { forge: 'gitea', ...shown, ...given },
    }),
  )
  server.get(link, async () => ({
    link: {
      forge: 'gitea',
      ...shown,
      last: { ...told, context: 'narwhal', state: 'success', error: 'it answered 401' },
    },
  }))
  server.delete(link, async () => ({ ok: true }))
  for (const path of ['repositories', 'runners', 'tokens', 'users', 'runners/tokens']) {
    server.delete(`${base}/${path}/:id`, async () => ({ ok: true }))
  }
}

function addLogs(server: HttpServer, fake: FakeNarwhal, live: FakeLive): void {
  const path = '/api/v1/jobs/:id/attempts/:attempt/log'
  const params = z.object({ id: z.string(), attempt: z.coerce.number() })
  const querystring = z.object({
    from: z.coerce.number().default(0),
    limit: z.coerce.number().default(1000),
    timestamps: z.stringbool().default(false),
  })
  const schema = { params, querystring }
  const linesOf = (id: string) => fake.logs.get(id) ?? []
  server.get(`${path}.txt`, { schema }, async (request, reply) => {
    const lines = linesOf(request.params.id).map(({ at, text }) =>
      request.query.timestamps ? `${new Date(at).toISOString()} ${text}\n` : `${text}\n`,
    )
    return reply.type('text/plain').serializer(String).send(lines.join(''))
  })
  server.get(path, { schema }, async (request) => {
    const { from, limit } = request.query
    const all = linesOf(request.params.id)
    const lines = all.slice(from, from + limit)
    return { lines, total: all.length, complete: lines.length < limit }
  })
  server.get(`${path}/follow`, { schema }, (request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson' })
    reply.raw.flushHeaders()
    live.follow(request.params.id, request.query.from, reply.raw)
  })
}
