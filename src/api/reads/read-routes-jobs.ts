import {
  attemptList,
  attemptParams,
  changedJob,
  jobParams,
  shownAttempt,
  stepList,
} from '../../contract/rest/rest.ts'
import type { HttpServer } from '../../http/http-server.ts'
import type { StoreReader } from '../../store/store.ts'
import { getAttempt, getJob } from '../lookups.ts'
import { orError } from '../responses.ts'

/** A job, its attempts, and an attempt's steps. */
export function registerJobReads(server: HttpServer, store: StoreReader): void {
  const tags = ['jobs']
  const job = {
    summary: 'A job with its attempts and steps',
    tags,
    params: jobParams,
    response: orError(changedJob),
  }
  server.get('/api/v1/jobs/:job', { schema: job }, async (request) => {
    return { job: await getJob(store, request.params.job) }
  })
  const attempts = {
    summary: "A job's attempts, with the runner chosen for each and why",
    tags,
    params: jobParams,
    response: orError(attemptList),
  }
  server.get('/api/v1/jobs/:job/attempts', { schema: attempts }, async (request) => {
    const { attempts } = await getJob(store, request.params.job)
    return { attempts }
  })
  registerAttemptReads(server, store)
}

function registerAttemptReads(server: HttpServer, store: StoreReader): void {
  const tags = ['jobs']
  const show = {
    summary: 'One attempt of a job',
    tags,
    params: attemptParams,
    response: orError(shownAttempt),
  }
  server.get('/api/v1/jobs/:job/attempts/:attempt', { schema: show }, async (request) => {
    const { job, attempt } = request.params
    return { attempt: await getAttempt(store, { jobId: job, attempt }) }
  })
  const steps = {
    summary: 'The steps of an attempt',
    tags,
    params: attemptParams,
    response: orError(stepList),
  }
  server.get('/api/v1/jobs/:job/attempts/:attempt/steps', { schema: steps }, async (request) => {
    const { job, attempt } = request.params
    const { steps } = await getAttempt(store, { jobId: job, attempt })
    return { steps }
  })
}
