import { doerOf } from '../../api/auth/doer-of.ts'
import { getRunner } from '../../api/lookups.ts'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { present } from '../../lib/present.ts'
import type { Uses } from '../../store/store.ts'
import type { Dispatcher } from '../dispatcher.ts'

/** Adds registering, removing, draining and resuming runners. */
export function addRunnerRoutes(
  server: HttpServer,
  { dispatcher, store }: { dispatcher: Dispatcher; store: Uses<'runners'> },
): void {
  route(server, ENDPOINTS.addRunner, async (request) => {
    const { token, ...runner } = request.body
    const dialled = { ...runner, ...present({ token }) }
    const record = await dispatcher.registerRunner(dialled, doerOf(request))
    return { runner: await getRunner(store, record.id) }
  })
  route(server, ENDPOINTS.removeRunner, async (request) => {
    const runner = await getRunner(store, request.params.runner)
    await dispatcher.pool.remove(runner.id, doerOf(request))
    return { ok: true } as const
  })
  for (const [endpoint, draining] of [
    [ENDPOINTS.drainRunner, true],
    [ENDPOINTS.resumeRunner, false],
  ] as const) {
    route(server, endpoint, async (request) => {
      const runner = await getRunner(store, request.params.runner)
      await dispatcher.pool.drain(runner.id, draining, doerOf(request))
      return { runner: await getRunner(store, runner.id) }
    })
  }
}
