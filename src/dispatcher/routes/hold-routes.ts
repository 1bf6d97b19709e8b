import { doerOf } from '../../api/auth/doer-of.ts'
import { getPipeline } from '../../api/lookups.ts'
import { orError } from '../../api/responses.ts'
import { pipelineParams, startedPipeline } from '../../contract/rest/rest.ts'
import { newHold } from '../../contract/rest/rest-retention.ts'
import type { PipelineView } from '../../contract/rest/views.ts'
import { type Doer, nameOf } from '../../core/audit/audit.ts'
import type { PipelineId } from '../../core/ids.ts'
import type { Hold } from '../../core/keeping.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Store } from '../../store/store.ts'

const tags = ['pipelines']

/** Adds keeping a pipeline for a reason, above all rules of retention, and letting it go again. */
export function addHoldRoutes(server: HttpServer, store: Store): void {
  server.put('/api/v1/pipelines/:pipeline/hold', {
    schema: {
      summary: 'Keep a pipeline, with its reruns and all logs, whatever the rules of retention say',
      tags,
      params: pipelineParams,
      body: newHold,
      response: orError(startedPipeline),
    },
    handler: async (request) => {
      const { until, because } = request.body
      const at = Date.now()
      if (until <= at) throw new NarwhalError('invalid', 'until: this moment has passed already')
      const by = doerOf(request)
      const name = nameOf(by)
      const hold = { until, because, at, ...(name === undefined ? {} : { by: name }) }
      return { pipeline: await setHold(store, request.params.pipeline, { hold, by }) }
    },
  })
  server.delete('/api/v1/pipelines/:pipeline/hold', {
    schema: {
      summary: 'Let a pipeline go as the rules of retention say',
      tags,
      params: pipelineParams,
      response: orError(startedPipeline),
    },
    handler: async (request) => {
      const by = doerOf(request)
      return { pipeline: await setHold(store, request.params.pipeline, { hold: undefined, by }) }
    },
  })
}

async function setHold(
  store: Store,
  id: PipelineId,
  { hold, by }: { readonly hold: Hold | undefined; readonly by: Doer },
): Promise<PipelineView> {
  const former = await getPipeline(store, id)
  await store.transact(async (write) => {
    if (!(await write.retention.setHold(id, hold))) {
      throw new NarwhalError('not_found', `there is no pipeline ${id}`)
    }
    const subject = { id, name: `${former.repositoryName} #${former.number}` }
    const facts = { repository: former.repositoryName, sha: former.event.sha }
    const before = { ...facts, until: former.hold?.until, because: former.hold?.because }
    const after = { ...facts, until: hold?.until, because: hold?.because }
    write.audit(by, { action: 'pipeline.held', subject, before, after })
  })
  return await getPipeline(store, id)
}
