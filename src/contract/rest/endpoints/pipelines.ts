import {
  cancelRequest,
  pipelineList,
  pipelineParams,
  pipelineQuery,
  pipelineWithJobs,
  startedPipeline,
  startPipeline,
} from '../rest.ts'
import {
  approvedMany,
  approveMany,
  approveRequest,
  awaitingList,
  awaitingQuery,
} from '../rest-approvals.ts'
import { usedConfig } from '../rest-insights.ts'
import { newHold } from '../rest-retention.ts'
import { waterfallView } from '../waterfall.ts'
import type { Endpoint } from './endpoint.ts'
import { ROUTES } from './routes.ts'

export const pipelinesEndpoints = {
  listPipelines: {
    ...ROUTES.listPipelines,
    summary: 'Pipelines, newest first, in pages',
    tags: ['pipelines'],
    query: pipelineQuery,
    answer: pipelineList,
  },
  startPipeline: {
    ...ROUTES.startPipeline,
    summary: 'Start a pipeline by hand',
    tags: ['pipelines'],
    body: startPipeline,
    status: 201,
    answer: startedPipeline,
  },
  getPipeline: {
    ...ROUTES.getPipeline,
    summary: 'A pipeline with its jobs, their attempts and steps',
    tags: ['pipelines'],
    params: pipelineParams,
    answer: pipelineWithJobs,
  },
  getWaterfall: {
    ...ROUTES.getWaterfall,
    summary: "Where a pipeline's time went: spans on one clock, with the critical path",
    tags: ['pipelines'],
    params: pipelineParams,
    answer: waterfallView,
  },
  getUsedConfig: {
    ...ROUTES.getUsedConfig,
    summary: 'What a pipeline ran, as narwhal.yml in its full form',
    tags: ['pipelines'],
    params: pipelineParams,
    answer: usedConfig,
  },
  rerunPipeline: {
    ...ROUTES.rerunPipeline,
    summary: 'Run the commit of a pipeline again, as a new pipeline',
    tags: ['pipelines'],
    params: pipelineParams,
    status: 201,
    answer: startedPipeline,
  },
  rerunFailed: {
    ...ROUTES.rerunFailed,
    summary: 'Run the failed jobs of a pipeline again, and what needs them, as their next attempts',
    tags: ['pipelines'],
    params: pipelineParams,
    answer: startedPipeline,
  },
  cancelPipeline: {
    ...ROUTES.cancelPipeline,
    summary: 'Cancel a pipeline',
    tags: ['pipelines'],
    params: pipelineParams,
    body: cancelRequest,
    answer: startedPipeline,
  },
  holdPipeline: {
    ...ROUTES.holdPipeline,
    summary: 'Keep a pipeline, with its reruns and all logs, whatever the rules of retention say',
    tags: ['pipelines'],
    params: pipelineParams,
    body: newHold,
    answer: startedPipeline,
  },
  releasePipeline: {
    ...ROUTES.releasePipeline,
    summary: 'Let a pipeline go as the rules of retention say',
    tags: ['pipelines'],
    params: pipelineParams,
    answer: startedPipeline,
  },
  approvePipeline: {
    ...ROUTES.approvePipeline,
    summary: "Let a stranger's pipeline be run, with the secrets that its jobs name",
    description:
      'The request names the commit, and the plan, that were looked at; where the pipeline has another one, the answer is 409 and names both.',
    tags: ['approvals'],
    params: pipelineParams,
    body: approveRequest,
    answer: startedPipeline,
  },
  listAwaiting: {
    ...ROUTES.listAwaiting,
    summary: 'What waits for approval, over all repositories, the longest waiting first',
    tags: ['approvals'],
    query: awaitingQuery,
    answer: awaitingList,
  },
  approveMany: {
    ...ROUTES.approveMany,
    summary: 'Approve several pipelines, each by the commit that was looked at',
    tags: ['approvals'],
    body: approveMany,
    answer: approvedMany,
  },
} as const satisfies Readonly<Record<string, Endpoint>>
