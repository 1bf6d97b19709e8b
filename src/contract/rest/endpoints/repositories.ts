import { deliveryList } from '../deliveries/rest-deliveries.ts'
import { accepted, repositoryParams } from '../rest.ts'
import { newForgeLink, shownForgeLink } from '../rest-forge-links.ts'
import {
  activityList,
  activityQuery,
  testDeliveryRequest,
  testedDelivery,
  trendList,
  trendQuery,
} from '../rest-insights.ts'
import {
  changedRepository,
  changeRepository,
  madeDeployKey,
  newRepository,
  newSecretQuery,
  registeredRepository,
  repositoryList,
  repositoryView,
} from '../rest-repositories.ts'
import { endpoints } from './endpoint.ts'

export const repositoriesEndpoints = endpoints('repositories', {
  listRepositories: { summary: 'The registered repositories', answer: repositoryList },
  addRepository: {
    summary: 'Register a repository',
    body: newRepository,
    status: 201,
    answer: registeredRepository,
  },
  getRepository: {
    summary: 'A repository, by its id or its name',
    params: repositoryParams,
    answer: repositoryView,
  },
  changeRepository: {
    summary:
      'Change a repository: its name, where it is, how it is polled, and its rules for strangers',
    params: repositoryParams,
    body: changeRepository,
    answer: changedRepository,
  },
  removeRepository: {
    summary: 'Remove a repository; its pipelines remain readable',
    params: repositoryParams,
    answer: accepted,
  },
  renewWebhookSecret: {
    summary:
      'Create a new webhook secret, shown only once; the previous one stays valid for a while',
    params: repositoryParams,
    query: newSecretQuery,
    answer: registeredRepository,
  },
  makeDeployKey: {
    summary: 'Make an ssh key with which the repository is read; its public half is for the forge',
    params: repositoryParams,
    answer: madeDeployKey,
  },
  testDelivery: {
    summary: 'Send a signed ping to a webhook URL, as the forge of the repository would',
    params: repositoryParams,
    body: testDeliveryRequest,
    answer: testedDelivery,
  },
  listDeliveries: {
    summary: 'The last webhook deliveries of a repository, with what was done, or why not',
    params: repositoryParams,
    answer: deliveryList,
  },
  getForgeLink: {
    summary: "Where a repository's commit statuses are reported, and the last one",
    params: repositoryParams,
    answer: shownForgeLink,
  },
  linkForge: {
    summary: "Report commit statuses to a repository's forge",
    params: repositoryParams,
    body: newForgeLink,
    answer: shownForgeLink,
  },
  unlinkForge: {
    summary: 'Stop reporting commit statuses, and delete the token',
    params: repositoryParams,
    answer: accepted,
  },
  listTrends: {
    summary: 'How long the newest pipelines of a repository took, with their jobs and steps',
    params: repositoryParams,
    query: trendQuery,
    answer: trendList,
  },
  listActivity: {
    summary: 'The repositories, each with its newest pipelines in short',
    query: activityQuery,
    answer: activityList,
  },
})
