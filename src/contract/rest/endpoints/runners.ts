import {
  accepted,
  createdJoinToken,
  dispatcherList,
  joinRunner as joinBody,
  joinedRunner,
  joinTokenList,
  joinTokenParams,
  newJoinToken,
  newRunner,
  runnerList,
  runnerParams,
  sampleList,
  sampleQuery,
  shownRunner,
} from '../rest.ts'
import { placementList, placementQuery } from '../rest-insights.ts'
import { endpoints } from './endpoint.ts'

export const runnersEndpoints = {
  ...endpoints('runners', {
    listRunners: { summary: 'The runners', answer: runnerList },
    addRunner: {
      summary: 'Register a runner, or a load balancer before several, by its URL',
      body: newRunner,
      status: 201,
      answer: shownRunner,
    },
    getRunner: {
      summary: 'A runner, by its id or its name',
      params: runnerParams,
      answer: shownRunner,
    },
    removeRunner: { summary: 'Remove a runner', params: runnerParams, answer: accepted },
    drainRunner: {
      summary: 'Drain a runner: it gets no new jobs',
      params: runnerParams,
      answer: shownRunner,
    },
    resumeRunner: { summary: 'Resume a drained runner', params: runnerParams, answer: shownRunner },
    listRunnerSamples: {
      summary: "A runner's load over the last hour",
      params: runnerParams,
      query: sampleQuery,
      answer: sampleList,
    },
    listPlacements: {
      summary: 'The newest placements of jobs on runners, and their results',
      query: placementQuery,
      answer: placementList,
    },
    joinRunner: {
      summary: 'Join as an attached runner; its identity is shown only once',
      body: joinBody,
      status: 201,
      answer: joinedRunner,
    },
    leaveRunners: { summary: 'Leave, as an ephemeral runner', answer: accepted },
    listJoinTokens: { summary: 'The join tokens, without their secrets', answer: joinTokenList },
    createJoinToken: {
      summary: 'Create a join token for a number of runners and a time; it is shown only once',
      body: newJoinToken,
      status: 201,
      answer: createdJoinToken,
    },
    removeJoinToken: {
      summary: 'Remove a join token; runners that have joined stay',
      params: joinTokenParams,
      answer: accepted,
    },
  }),
  ...endpoints('dispatchers', {
    listDispatchers: {
      summary: 'The active dispatchers; also for runners',
      answer: dispatcherList,
    },
  }),
}
