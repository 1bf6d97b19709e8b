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
import { endpoints } from './endpoint.ts'

export const pipelinesEndpoints = {
  ...endpoints('pipelines', {
    listPipelines: {
      summary: 'Pipelines, newest first, in pages',
      query: pipelineQuery,
      answer: pipelineList,
    },
    startPipeline: {
      summary: 'Start a pipeline manually',
      body: startPipeline,
      status: 201,
      answer: startedPipeline,
    },
    getPipeline: {
      summary: 'A pipeline with its jobs, their attempts and steps',
      params: pipelineParams,
      answer: pipelineWithJobs,
    },
    getWaterfall: {
      summary: "Where a pipeline's time went: spans on one clock, with the critical path",
      params: pipelineParams,
      answer: waterfallView,
    },
    getUsedConfig: {
      summary: 'What a pipeline ran, as narwhal.yml in its full form',
      params: pipelineParams,
      answer: usedConfig,
    },
    rerunPipeline: {
      summary: 'Rerun the commit of a pipeline as a new pipeline',
      params: pipelineParams,
      status: 201,
      answer: startedPipeline,
    },
    rerunFailed: {
      summary: 'Rerun the failed jobs of a pipeline, and their dependents, as their next attempts',
      params: pipelineParams,
      answer: startedPipeline,
    },
    cancelPipeline: {
      summary: 'Cancel a pipeline',
      params: pipelineParams,
      body: cancelRequest,
      answer: startedPipeline,
    },
    holdPipeline: {
      summary: 'Exempt a pipeline, with its reruns and logs, from retention',
      params: pipelineParams,
      body: newHold,
      answer: startedPipeline,
    },
    releasePipeline: {
      summary: 'Apply retention to a pipeline again',
      params: pipelineParams,
      answer: startedPipeline,
    },
  }),
  ...endpoints('approvals', {
    approvePipeline: {
      summary: "Approve a stranger's pipeline: run it, with the secrets that its jobs name",
      description:
        'The request names the reviewed commit and plan; if the pipeline has others, the response is 409 and names both.',
      params: pipelineParams,
      body: approveRequest,
      answer: startedPipeline,
    },
    listAwaiting: {
      summary: 'Pipelines waiting for approval, in all repositories, the longest waiting first',
      query: awaitingQuery,
      answer: awaitingList,
    },
    approveMany: {
      summary: 'Approve several pipelines, each by its reviewed commit',
      body: approveMany,
      answer: approvedMany,
    },
  }),
}
