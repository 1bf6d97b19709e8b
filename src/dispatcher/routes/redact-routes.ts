import { doerOf } from '../../api/auth/doer-of.ts'
import { orError } from '../../api/responses.ts'
import { attemptParams } from '../../contract/rest/rest.ts'
import { redactLog as redactBody, redactedLog } from '../../contract/rest/rest-logs.ts'
import type { HttpServer } from '../../http/http-server.ts'
import type { Store } from '../../store/store.ts'
import type { Dispatcher } from '../dispatcher.ts'
import { redactLog } from '../ledger/redact-log.ts'

/** Adds taking out of a log what it should not have shown. */
export function addRedactRoutes(
  server: HttpServer,
  { store, dispatcher }: { readonly store: Store; readonly dispatcher: Dispatcher },
): void {
  server.post('/api/v1/jobs/:job/attempts/:attempt/log/redact', {
    schema: {
      summary: 'Take the text of a log, or of one step of it, out of Narwhal',
      tags: ['logs'],
      params: attemptParams,
      body: redactBody,
      response: orError(redactedLog),
    },
    handler: async (request) => {
      const { job: jobId, attempt } = request.params
      const { step } = request.body
      const { tellAll } = dispatcher
      return await redactLog(
        { store, tellAll },
        { log: { jobId, attempt }, step, by: doerOf(request) },
      )
    },
  })
}
