import {
  dispatcherList,
  joinTokenList,
  runnerList,
  runnerParams,
  shownRunner,
} from '../../contract/rest/rest.ts'
import type { HttpServer } from '../../http/http-server.ts'
import type { StoreReader } from '../../store/store.ts'
import { getRunner } from '../lookups.ts'
import { orError } from '../responses.ts'

/** The runners as they were last heard of, their registration tokens, and who gives them work. */
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
  const tokens = {
    summary: 'The tokens by which runners join, without their secrets',
    tags,
    response: orError(joinTokenList),
  }
  server.get('/api/v1/runners/tokens', { schema: tokens }, async () => {
    const records = await store.listJoinTokens()
    return {
      tokens: records.map(({ hash: _hash, sources, ...token }) => ({
        ...token,
        labels: [...token.labels],
        ...(sources ? { sources: [...sources] } : {}),
      })),
    }
  })
  const dispatchers = {
    summary: 'The dispatchers that are at work; a runner may ask, too',
    tags: ['dispatchers'],
    response: orError(dispatcherList),
  }
  server.get('/api/v1/dispatchers', { schema: dispatchers }, async () => {
    const seats = await store.listDispatchers()
    return { dispatchers: seats.map(({ id, url }) => ({ id, ...(url ? { url } : {}) })) }
  })
}
