import { doerOf } from '../../api/auth/doer-of.ts'
import { getRunner } from '../../api/lookups.ts'
import { accepted, newRunner, runnerParams, shownRunner } from '../../contract/rest/rest.ts'
import type { HttpServer } from '../../http/http-server.ts'
import type { Store } from '../../store/store.ts'
import type { Dispatcher } from '../dispatcher.ts'

/** Adds registering, removing, draining and resuming runners. */
export function addRunnerRoutes(
  server: HttpServer,
  { dispatcher, store }: { dispatcher: Dispatcher; store: Store },
): void {
  const tags = ['runners']
  server.post('/api/v1/runners', {
    schema: {
      summary: 'Register a runner, or a load balancer before several, by its URL',
      tags,
      body: newRunner,
      response: { 201: shownRunner },
    },
    handler: async (request, reply) => {
      const { token, ...runner } = request.body
      const link = { ...runner, ...(token ? { token } : {}) }
      const record = await dispatcher.registerRunner(link, doerOf(request))
      return reply.code(201).send({ runner: await getRunner(store, record.id) })
    },
  })
  server.delete('/api/v1/runners/:runner', {
    schema: {
      summary: 'Remove a runner',
      tags,
      params: runnerParams,
      response: { 200: accepted },
    },
    handler: async (request) => {
      const runner = await getRunner(store, request.params.runner)
      await dispatcher.pool.remove(runner.id, doerOf(request))
      return { ok: true } as const
    },
  })
  for (const [verb, draining] of [
    ['drain', true],
    ['resume', false],
  ] as const) {
    server.post(`/api/v1/runners/:runner/${verb}`, {
      schema: {
        summary: draining ? 'Give a runner no new jobs' : 'Give a drained runner jobs again',
        tags,
        params: runnerParams,
        response: { 200: shownRunner },
      },
      handler: async (request) => {
        const runner = await getRunner(store, request.params.runner)
        await dispatcher.pool.drain(runner.id, draining, doerOf(request))
        return { runner: await getRunner(store, runner.id) }
      },
    })
  }
}
