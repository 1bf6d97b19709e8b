import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import type { Reads } from '../../store/store.ts'
import { whoAsks } from '../auth/who-asks.ts'
import { getJobOfLog } from '../lookups.ts'
import { FairPlaces } from './fair-places.ts'
import { isLogComplete } from './follow-log.ts'
import { searchLog } from './search-log.ts'

/** Concurrent searches; each has a few chunks of the log in memory. There is no queue. */
const SHARES = {
  atOnce: 20,
  atOnceOfOne: 5,
  waiting: 0,
  ofOne: 5,
  doing: 'searches of logs are running',
}

/** The lines of an attempt's log that contain a text. */
export function registerLogSearch(
  server: HttpServer,
  store: Reads<'jobs' | 'logs' | 'retention'>,
): void {
  const places = new FairPlaces(SHARES)
  route(server, ENDPOINTS.searchLog, async (request, reply) => {
    const log = { jobId: request.params.job, attempt: request.params.attempt }
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    using _place = await places.take(whoAsks(request), gone.signal)
    // The job first, so that lines added after this are never reported as the last ones.
    const complete = isLogComplete(await getJobOfLog(store, log), log.attempt)
    return { ...(await searchLog(store, log, request.query, gone.signal)), complete }
  })
}
