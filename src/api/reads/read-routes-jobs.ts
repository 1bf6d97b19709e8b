import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import type { Reads } from '../../store/store.ts'
import { getAttempt, getJob } from '../lookups.ts'

/** A job, its attempts, and an attempt's steps. */
export function registerJobReads(server: HttpServer, store: Reads<'jobs' | 'retention'>): void {
  route(server, ENDPOINTS.getJob, async (request) => {
    return { job: await getJob(store, request.params.job) }
  })
  route(server, ENDPOINTS.listAttempts, async (request) => {
    const { attempts } = await getJob(store, request.params.job)
    return { attempts }
  })
  registerAttemptReads(server, store)
}

function registerAttemptReads(server: HttpServer, store: Reads<'jobs' | 'retention'>): void {
  route(server, ENDPOINTS.getAttempt, async (request) => {
    const { job, attempt } = request.params
    return { attempt: await getAttempt(store, { jobId: job, attempt }) }
  })
  route(server, ENDPOINTS.listSteps, async (request) => {
    const { job, attempt } = request.params
    const { steps } = await getAttempt(store, { jobId: job, attempt })
    return { steps }
  })
}
