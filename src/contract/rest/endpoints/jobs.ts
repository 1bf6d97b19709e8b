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
import { endpoints } from './endpoint.ts'

export const jobsEndpoints = {
  ...endpoints('queue', {
    listQueue: {
      summary: 'The first jobs in the queue, each with the reason why it waits',
      query: queueQuery,
      answer: queueList,
    },
  }),
  ...endpoints('jobs', {
    getJob: { summary: 'A job with its attempts and steps', params: jobParams, answer: changedJob },
    rerunJob: {
      summary: 'Rerun a job as its next attempt, and its dependents after it',
      params: jobParams,
      answer: changedJob,
    },
    cancelJob: {
      summary: 'Cancel a job; its dependents are skipped',
      params: jobParams,
      body: cancelRequest,
      answer: changedJob,
    },
    listAttempts: {
      summary: "A job's attempts, with the runner chosen for each and why",
      params: jobParams,
      answer: attemptList,
    },
    getAttempt: { summary: 'One attempt of a job', params: attemptParams, answer: shownAttempt },
    listSteps: { summary: 'The steps of an attempt', params: attemptParams, answer: stepList },
  }),
}
