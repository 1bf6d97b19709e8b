import { doerOf } from '../../api/auth/doer-of.ts'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import type { Store } from '../../store/store.ts'
import type { Dispatcher } from '../dispatcher.ts'
import { redactLog } from '../ledger/redact-log.ts'

/** Adds redacting logs. */
export function addRedactRoutes(
  server: HttpServer,
  { store, dispatcher }: { readonly store: Store; readonly dispatcher: Dispatcher },
): void {
  route(server, ENDPOINTS.redactLog, async (request) => {
    const { job: jobId, attempt } = request.params
    const { step } = request.body
    const redact = { log: { jobId, attempt }, step, by: doerOf(request) }
    return await redactLog({ store, publishAll: dispatcher.publishAll }, redact)
  })
}
