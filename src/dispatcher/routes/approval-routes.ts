import { doerOf } from '../../api/auth/doer-of.ts'
import { getPipeline } from '../../api/lookups.ts'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { describeError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type { Uses } from '../../store/store.ts'
import type { Dispatcher } from '../dispatcher.ts'

/** Adds approving strangers' pipelines. */
export function addApprovalRoutes(
  server: HttpServer,
  {
    dispatcher,
    store,
  }: { readonly dispatcher: Dispatcher; readonly store: Uses<'pipelines' | 'retention'> },
): void {
  route(server, ENDPOINTS.approvePipeline, async (request) => {
    const { pipeline } = request.params
    await dispatcher.approvePipeline(pipeline, request.body, doerOf(request))
    return { pipeline: await getPipeline(store, pipeline) }
  })
  route(server, ENDPOINTS.approveMany, async (request) => {
    const by = doerOf(request)
    const approvals = []
    for (const { pipeline, ...seen } of request.body.approvals) {
      // A failure doesn't block the others.
      const message = await dispatcher.approvePipeline(pipeline, seen, by).then(
        () => undefined,
        (error: unknown) => describeError(error),
      )
      approvals.push({ pipeline, approved: message === undefined, ...present({ message }) })
    }
    return { approvals }
  })
}
