import { doerOf } from '../../api/auth/doer-of.ts'
import { getPipeline } from '../../api/lookups.ts'
import { pipelineParams, startedPipeline } from '../../contract/rest/rest.ts'
import { approvedMany, approveMany, approveRequest } from '../../contract/rest/rest-approvals.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { describeError } from '../../lib/errors.ts'
import type { Store } from '../../store/store.ts'
import type { Dispatcher } from '../dispatcher.ts'

/** Adds what lets strangers' pipelines be run. */
export function addApprovalRoutes(
  server: HttpServer,
  { dispatcher, store }: { readonly dispatcher: Dispatcher; readonly store: Store },
): void {
  const tags = ['approvals']
  server.post('/api/v1/pipelines/:pipeline/approve', {
    schema: {
      summary: "Let a stranger's pipeline be run, with the secrets that its jobs name",
      description:
        'The request names the commit, and the plan, that were looked at; where the pipeline has another one, the answer is 409 and names both.',
      tags,
      params: pipelineParams,
      body: approveRequest,
      response: { 200: startedPipeline },
    },
    handler: async (request) => {
      const { pipeline } = request.params
      await dispatcher.approvePipeline(pipeline, request.body, doerOf(request))
      return { pipeline: await getPipeline(store, pipeline) }
    },
  })
  server.post('/api/v1/approvals', {
    schema: {
      summary: 'Approve several pipelines, each by the commit that was looked at',
      tags,
      body: approveMany,
      response: { 200: approvedMany },
    },
    handler: async (request) => {
      const by = doerOf(request)
      const approvals = []
      for (const { pipeline, ...seen } of request.body.approvals) {
        // One that can't be approved is no reason to leave the others waiting.
        const message = await dispatcher.approvePipeline(pipeline, seen, by).then(
          () => undefined,
          (error: unknown) => describeError(error),
        )
        approvals.push({
          pipeline,
          approved: message === undefined,
          ...(message === undefined ? {} : { message }),
        })
      }
      return { approvals }
    },
  })
}
