import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import type { StoreReader } from '../../store/store.ts'
import { whoAsks } from '../auth/who-asks.ts'
import { getJobOfLog } from '../lookups.ts'
import { FairPlaces } from './fair-places.ts'
import { isLogComplete } from './follow-log.ts'
import { searchLog } from './search-log.ts'

/** So many logs are searched at a time; each has some chunks of it in memory. Nobody has to wait. */
const SHARES = {
  atOnce: 20,
  atOnceOfOne: 5,
  waiting: 0,
  ofOne: 5,
  doing: 'searches go through logs',
}

/** The lines of an attempt's log that have a text. */
export function registerLogSearch(server: HttpServer, store: StoreReader): void {
  const places = new FairPlaces(SHARES)
  route(server, ENDPOINTS.searchLog, async (request, reply) => {
    const log = { jobId: request.params.job, attempt: request.params.attempt }
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    using _place = await places.take(whoAsks(request), gone.signal)
    // The job first: lines that come after this are then never said to be the last ones.
    const complete = isLogComplete(await getJobOfLog(store, log), log.attempt)
    return { ...(await searchLog(store, log, request.query, gone.signal)), complete }
  })
}
