import {
  accepted,
  newRepository,
  newSecretQuery,
  registeredRepository,
  repositoryList,
  repositoryParams,
  shownRepository,
} from '../rest.ts'
import { changeRepository } from '../rest-approvals.ts'
import { newForgeLink, shownForgeLink } from '../rest-forge-links.ts'
import {
  activityList,
  activityQuery,
  testDeliveryRequest,
  testedDelivery,
  trendList,
  trendQuery,
} from '../rest-insights.ts'
import { repositoryView } from '../views.ts'
import type { Endpoint } from './endpoint.ts'
import { ROUTES } from './routes.ts'

export const repositoriesEndpoints = {
  listRepositories: {
    ...ROUTES.listRepositories,
    summary: 'The registered repositories',
    tags: ['repositories'],
    answer: repositoryList,
  },
  addRepository: {
    ...ROUTES.addRepository,
    summary: 'Register a repository',
    tags: ['repositories'],
    body: newRepository,
    status: 201,
    answer: registeredRepository,
  },
  getRepository: {
    ...ROUTES.getRepository,
    summary: 'A repository, by its id or its name',
    tags: ['repositories'],
    params: repositoryParams,
    answer: repositoryView,
  },
  changeRepository: {
    ...ROUTES.changeRepository,
    summary: 'Change what is done about strangers, and what a skipped pipeline is worth',
    tags: ['repositories'],
    params: repositoryParams,
    body: changeRepository,
    answer: shownRepository,
  },
  removeRepository: {
    ...ROUTES.removeRepository,
    summary: 'Remove a repository; its pipelines remain readable',
    tags: ['repositories'],
    params: repositoryParams,
    answer: accepted,
  },
  renewWebhookSecret: {
    ...ROUTES.renewWebhookSecret,
    summary:
      'Make a new webhook secret, shown this once; the former one is valid until the forge uses it, or its end',
    tags: ['repositories'],
    params: repositoryParams,
    query: newSecretQuery,
    answer: registeredRepository,
  },
  testDelivery: {
    ...ROUTES.testDelivery,
    summary: 'Send a signed ping to a webhook URL, as the forge of the repository would',
    tags: ['repositories'],
    params: repositoryParams,
    body: testDeliveryRequest,
    answer: testedDelivery,
  },
  getForgeLink: {
    ...ROUTES.getForgeLink,
    summary: "Where the statuses of a repository's commits are told, and what was told last",
    tags: ['repositories'],
    params: repositoryParams,
    answer: shownForgeLink,
  },
  linkForge: {
    ...ROUTES.linkForge,
    summary: "Tell a repository's forge how its commits' pipelines stand",
    tags: ['repositories'],
    params: repositoryParams,
    body: newForgeLink,
    answer: shownForgeLink,
  },
  unlinkForge: {
    ...ROUTES.unlinkForge,
    summary: "Tell a repository's forge nothing any more, and forget the token",
    tags: ['repositories'],
    params: repositoryParams,
    answer: accepted,
  },
  listTrends: {
    ...ROUTES.listTrends,
    summary: 'How long the newest pipelines of a repository took, with their jobs and steps',
    tags: ['repositories'],
    params: repositoryParams,
    query: trendQuery,
    answer: trendList,
  },
  listActivity: {
    ...ROUTES.listActivity,
    summary: 'The repositories, each with its newest pipelines in short',
    tags: ['repositories'],
    query: activityQuery,
    answer: activityList,
  },
} as const satisfies Readonly<Record<string, Endpoint>>
