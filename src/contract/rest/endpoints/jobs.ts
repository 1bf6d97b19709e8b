import {
  attemptList,
  attemptParams,
  cancelRequest,
  changedJob,
  jobParams,
  queueList,
  queueQuery,
  shownAttempt,
  stepList,
} from '../rest.ts'
import type { Endpoint } from './endpoint.ts'
import { ROUTES } from './routes.ts'

export const jobsEndpoints = {
  listQueue: {
    ...ROUTES.listQueue,
    summary: 'The first jobs that wait for a runner, in order, each with the reason',
    tags: ['queue'],
    query: queueQuery,
    answer: queueList,
  },
  getJob: {
    ...ROUTES.getJob,
    summary: 'A job with its attempts and steps',
    tags: ['jobs'],
    params: jobParams,
    answer: changedJob,
  },
  rerunJob: {
    ...ROUTES.rerunJob,
    summary: 'Run a job again as its next attempt, and what needs it after it',
    tags: ['jobs'],
    params: jobParams,
    answer: changedJob,
  },
  cancelJob: {
    ...ROUTES.cancelJob,
    summary: 'Cancel a job; what needs it is skipped',
    tags: ['jobs'],
    params: jobParams,
    body: cancelRequest,
    answer: changedJob,
  },
  listAttempts: {
    ...ROUTES.listAttempts,
    summary: "A job's attempts, with the runner chosen for each and why",
    tags: ['jobs'],
    params: jobParams,
    answer: attemptList,
  },
  getAttempt: {
    ...ROUTES.getAttempt,
    summary: 'One attempt of a job',
    tags: ['jobs'],
    params: attemptParams,
    answer: shownAttempt,
  },
  listSteps: {
    ...ROUTES.listSteps,
    summary: 'The steps of an attempt',
    tags: ['jobs'],
    params: attemptParams,
    answer: stepList,
  },
} as const satisfies Readonly<Record<string, Endpoint>>
