import { doerOf } from '../../api/auth/doer-of.ts'
import { getPipeline } from '../../api/lookups.ts'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { PipelineView } from '../../contract/rest/views.ts'
import { type Doer, nameOf } from '../../core/audit/audit.ts'
import type { PipelineId } from '../../core/ids.ts'
import type { Hold } from '../../core/keeping.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type { Uses } from '../../store/store.ts'
import type { Dispatcher } from '../dispatcher.ts'

export interface HoldDeps {
  readonly store: Uses<'pipelines' | 'retention' | 'transact'>
  readonly dispatcher: Pick<Dispatcher, 'publishAll'>
}

/** Adds holding a pipeline, which overrides all rules of retention, and releasing it. */
export function addHoldRoutes(server: HttpServer, deps: HoldDeps): void {
  route(server, ENDPOINTS.holdPipeline, async (request) => {
    const { until, because } = request.body
    const at = Date.now()
    if (until <= at) throw new NarwhalError('invalid', 'until: this time has already passed')
    const by = doerOf(request)
    const hold = { until, because, at, ...present({ by: nameOf(by) }) }
    return { pipeline: await setHold(deps, request.params.pipeline, { hold, by }) }
  })
  route(server, ENDPOINTS.releasePipeline, async (request) => {
    const by = doerOf(request)
    return { pipeline: await setHold(deps, request.params.pipeline, { hold: undefined, by }) }
  })
}

async function setHold(
  { store, dispatcher }: HoldDeps,
  id: PipelineId,
  { hold, by }: { readonly hold: Hold | undefined; readonly by: Doer },
): Promise<PipelineView> {
  const former = await getPipeline(store, id)
  const { changes } = await store.transact(async (write) => {
    if (!(await write.retention.setHold(id, hold))) {
      throw new NarwhalError('not_found', `there is no pipeline ${id}`)
    }
    const subject = { id, name: `${former.repositoryName} #${former.number}` }
    const facts = { repository: former.repositoryName, sha: former.event.sha }
    const before = { ...facts, until: former.hold?.until, because: former.hold?.because }
    const after = { ...facts, until: hold?.until, because: hold?.because }
    write.audit.add(by, { action: 'pipeline.held', subject, before, after })
  })
  dispatcher.publishAll(changes)
  return await getPipeline(store, id)
}
