import { runnerList, runnerParams, shownRunner } from '../contract/rest.ts'
import type { HttpServer } from '../http/server.ts'
import type { StoreReader } from '../store/store.ts'
import { getRunner } from './lookups.ts'
import { orError } from './responses.ts'

/** The runners as they were last heard of. */
export function registerRunnerReads(server: HttpServer, store: StoreReader): void {
  const tags = ['runners']
  const list = { summary: 'The runners', tags, response: orError(runnerList) }
  server.get('/api/v1/runners', { schema: list }, async () => {
    return { runners: await store.listRunnerViews() }
  })
  const show = {
    summary: 'A runner, by its id or its name',
    tags,
    params: runnerParams,
    response: orError(shownRunner),
  }
  server.get('/api/v1/runners/:runner', { schema: show }, async (request) => {
    return { runner: await getRunner(store, request.params.runner) }
  })
}
