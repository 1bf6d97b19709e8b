import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import type { StoreReader } from '../../store/store.ts'
import { getRunner } from '../lookups.ts'

/** The runners as they were last heard of, their registration tokens, and who gives them work. */
export function registerRunnerReads(server: HttpServer, store: StoreReader): void {
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
        ...(sources ? { sources: [...sources] } : {}),
      })),
    }
  })
  route(server, ENDPOINTS.listDispatchers, async () => {
    const seats = await store.dispatchers.list()
    return { dispatchers: seats.map(({ id, url }) => ({ id, ...(url ? { url } : {}) })) }
  })
}
