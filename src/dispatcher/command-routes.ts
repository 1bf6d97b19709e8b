import { createToken, hashToken } from '../api/auth.ts'
import { getJob, getPipeline, getRepository } from '../api/lookups.ts'
import { viewRepository } from '../api/repository-view.ts'
import {
  accepted,
  cancelRequest,
  changedJob,
  createdToken,
  jobParams,
  newRepository,
  newToken,
  pipelineParams,
  queueList,
  registeredRepository,
  repositoryParams,
  startedPipeline,
  startPipeline,
  tokenList,
  tokenParams,
} from '../contract/rest.ts'
import { testDeliveryRequest, testedDelivery } from '../contract/rest-insights.ts'
import type { HttpServer } from '../http/server.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { GitEnv } from '../lib/git.ts'
import { newId } from '../lib/new-id.ts'
import type { Store } from '../store/store.ts'
import type { Vault } from '../store/vault.ts'
import { openWebhookSecret } from '../store/webhook-secrets.ts'
import type { Dispatcher } from './dispatcher.ts'
import { expectStarts } from './expect-starts.ts'
import { registerRepository } from './register-repository.ts'
import { addRunnerRoutes } from './runner-routes.ts'
import { testDelivery } from './test-delivery.ts'

export interface CommandDeps {
  readonly dispatcher: Dispatcher
  readonly store: Store
  readonly vault: Vault
  readonly gitEnv: GitEnv
}

/** Adds everything of the REST API that changes something, and the queue. */
export function registerCommandRoutes(server: HttpServer, deps: CommandDeps): void {
  void server.register(async (plugin) => {
    const scope = plugin as unknown as HttpServer
    // The dispatcher waits for a store that is away; a person is told at once instead.
    scope.addHook('preHandler', () => deps.store.ping())
    addRepositoryRoutes(scope, deps)
    addDeliveryRoutes(scope, deps)
    addPipelineRoutes(scope, deps)
    addJobRoutes(scope, deps)
    addRunnerRoutes(scope, deps)
    addTokenRoutes(scope, deps.store)
  })
}

function addRepositoryRoutes(server: HttpServer, deps: CommandDeps): void {
  const tags = ['repositories']
  const { store } = deps
  server.post('/api/v1/repositories', {
    schema: {
      summary: 'Register a repository',
      tags,
      body: newRepository,
      response: { 201: registeredRepository },
    },
    handler: async (request, reply) => {
      const { repository, secret } = await registerRepository(deps, request.body)
      const webhook = { path: '/webhooks/github', secret }
      return reply.code(201).send({
        repository: viewRepository(repository),
        ...(repository.forge === 'github' ? { webhook } : {}),
      })
    },
  })
  server.delete('/api/v1/repositories/:repository', {
    schema: {
      summary: 'Remove a repository; its pipelines remain readable',
      tags,
      params: repositoryParams,
      response: { 200: accepted },
    },
    handler: async (request) => {
      const repository = await getRepository(store, request.params.repository)
      await store.transact((write) => write.removeRepository(repository.id))
      return { ok: true } as const
    },
  })
}

function addDeliveryRoutes(server: HttpServer, { store, vault }: CommandDeps): void {
  server.post('/api/v1/repositories/:repository/test-delivery', {
    schema: {
      summary: 'Send a signed ping to a webhook URL, as the forge of the repository would',
      tags: ['repositories'],
      params: repositoryParams,
      body: testDeliveryRequest,
      response: { 200: testedDelivery },
    },
    handler: async (request) => {
      const repository = await getRepository(store, request.params.repository)
      if (repository.forge !== 'github') {
        throw new NarwhalError('conflict', `${repository.name} has no webhook: it is polled`)
      }
      const secret = openWebhookSecret(vault, repository)
      return await testDelivery({ ...repository, secret }, request.body.url)
    },
  })
}

function addPipelineRoutes(server: HttpServer, { dispatcher, store }: CommandDeps): void {
  const tags = ['pipelines']
  server.post('/api/v1/pipelines', {
    schema: {
      summary: 'Start a pipeline by hand',
      tags,
      body: startPipeline,
      response: { 201: startedPipeline },
    },
    handler: async (request, reply) => {
      const { repository, ...start } = request.body
      const record = await getRepository(store, repository)
      const pipeline = await dispatcher.startPipeline(record, start)
      return reply.code(201).send({ pipeline })
    },
  })
  server.post('/api/v1/pipelines/:pipeline/rerun', {
    schema: {
      summary: 'Run the commit of a pipeline again, as a new pipeline',
      tags,
      params: pipelineParams,
      response: { 201: startedPipeline },
    },
    handler: async (request, reply) => {
      const pipeline = await dispatcher.rerunPipeline(request.params.pipeline)
      return reply.code(201).send({ pipeline })
    },
  })
  server.post('/api/v1/pipelines/:pipeline/rerun-failed', {
    schema: {
      summary:
        'Run the failed jobs of a pipeline again, and what needs them, as their next attempts',
      tags,
      params: pipelineParams,
      response: { 200: startedPipeline },
    },
    handler: async (request) => {
      await dispatcher.rerunFailed(request.params.pipeline)
      return { pipeline: await getPipeline(store, request.params.pipeline) }
    },
  })
  server.post('/api/v1/pipelines/:pipeline/cancel', {
    schema: {
      summary: 'Cancel a pipeline',
      tags,
      params: pipelineParams,
      body: cancelRequest,
      response: { 200: startedPipeline },
    },
    handler: async (request) => {
      const id = request.params.pipeline
      await dispatcher.cancelPipeline(id, request.body.reason ?? 'cancelled by hand')
      return { pipeline: await getPipeline(store, id) }
    },
  })
}

function addJobRoutes(server: HttpServer, { dispatcher, store }: CommandDeps): void {
  const tags = ['jobs']
  server.get('/api/v1/queue', {
    schema: {
      summary: 'The jobs that wait for a runner, in order, each with the reason',
      tags: ['queue'],
      response: { 200: queueList },
    },
    handler: async () => ({ jobs: await expectStarts(store, await dispatcher.queue()) }),
  })
  server.post('/api/v1/jobs/:job/rerun', {
    schema: {
      summary: 'Run a job again as its next attempt, and what needs it after it',
      tags,
      params: jobParams,
      response: { 200: changedJob },
    },
    handler: async (request) => {
      await dispatcher.rerunJob(request.params.job)
      return { job: await getJob(store, request.params.job) }
    },
  })
  server.post('/api/v1/jobs/:job/cancel', {
    schema: {
      summary: 'Cancel a job; what needs it is skipped',
      tags,
      params: jobParams,
      body: cancelRequest,
      response: { 200: changedJob },
    },
    handler: async (request) => {
      const id = request.params.job
      await dispatcher.cancelJob(id, request.body.reason ?? 'cancelled by hand')
      return { job: await getJob(store, id) }
    },
  })
}

function addTokenRoutes(server: HttpServer, store: Store): void {
  const tags = ['tokens']
  server.get('/api/v1/tokens', {
    schema: { summary: 'The access tokens', tags, response: { 200: tokenList } },
    handler: async () => {
      const tokens = await store.listTokens()
      return { tokens: tokens.map(({ id, name, createdAt }) => ({ id, name, createdAt })) }
    },
  })
  server.post('/api/v1/tokens', {
    schema: {
      summary: 'Create an access token; it is shown this once',
      tags,
      body: newToken,
      response: { 201: createdToken },
    },
    handler: async (request, reply) => {
      const token = createToken()
      const { name } = request.body
      const id = newId('token')
      const record = { id, name, hash: hashToken(token), createdAt: Date.now() }
      await store.transact((write) => write.insertToken(record))
      return reply.code(201).send({ id, name, token })
    },
  })
  server.delete('/api/v1/tokens/:token', {
    schema: {
      summary: 'Remove an access token',
      tags,
      params: tokenParams,
      response: { 200: accepted },
    },
    handler: async (request) => {
      const { token } = request.params
      const found = (await store.listTokens()).find(({ id }) => id === token)
      if (!found) throw new NarwhalError('not_found', `there is no token ${token}`)
      await store.transact((write) => write.removeToken(found.id))
      return { ok: true } as const
    },
  })
}
