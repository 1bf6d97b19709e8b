import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { present } from '../../lib/present.ts'
import type { Reads } from '../../store/store.ts'
import { getRunner } from '../lookups.ts'

/** Runners as last seen, their join tokens, and the dispatchers. */
export function registerRunnerReads(
  server: HttpServer,
  store: Reads<'dispatchers' | 'joinTokens' | 'runners'>,
): void {
  route(server, ENDPOINTS.listRunners, async () => {
    return { runners: await store.runners.listViews() }
  })
  route(server, ENDPOINTS.getRunner, async (request) => {
    return { runner: await getRunner(store, request.params.runner) }
  })
  route(server, ENDPOINTS.listJoinTokens, async () => {
    const records = await store.joinTokens.list()
    return {
      tokens: records.map(({ hash: _hash, sources, ...token }) => ({
        ...token,
        labels: [...token.labels],
        ...present({ sources: sources && [...sources] }),
      })),
    }
  })
  route(server, ENDPOINTS.listDispatchers, async () => {
    const seats = await store.dispatchers.list()
    return { dispatchers: seats.map(({ id, url }) => ({ id, ...present({ url }) })) }
  })
}
