import { accepted, pipelineParams, repositoryParams } from '../rest.ts'
import {
  explainedSecret,
  newSecret,
  repositorySecretParams,
  secretList,
  secretParams,
  setSecretAnswer,
} from '../rest-secrets.ts'
import type { Endpoint } from './endpoint.ts'
import { ROUTES } from './routes.ts'

export const secretsEndpoints = {
  listSecrets: {
    ...ROUTES.listSecrets,
    summary: 'The secrets of all repositories, without their values',
    tags: ['secrets'],
    answer: secretList,
  },
  setSecret: {
    ...ROUTES.setSecret,
    summary: 'Set a secret that jobs of all repositories may name',
    tags: ['secrets'],
    params: secretParams,
    body: newSecret,
    answer: setSecretAnswer,
  },
  removeSecret: {
    ...ROUTES.removeSecret,
    summary: 'Remove a secret of all repositories',
    tags: ['secrets'],
    params: secretParams,
    answer: accepted,
  },
  listSecretsOf: {
    ...ROUTES.listSecretsOf,
    summary: 'The secrets that jobs of a repository may name: its own and those of all',
    tags: ['secrets'],
    params: repositoryParams,
    answer: secretList,
  },
  setSecretOf: {
    ...ROUTES.setSecretOf,
    summary: 'Set a secret that jobs of a repository may name, instead of one of all',
    tags: ['secrets'],
    params: repositorySecretParams,
    body: newSecret,
    answer: setSecretAnswer,
  },
  removeSecretOf: {
    ...ROUTES.removeSecretOf,
    summary: 'Remove a secret of a repository',
    tags: ['secrets'],
    params: repositorySecretParams,
    answer: accepted,
  },
  explainSecret: {
    ...ROUTES.explainSecret,
    summary: 'Which jobs of a pipeline would get a secret, and why others would not',
    tags: ['secrets'],
    params: pipelineParams.extend(secretParams.shape),
    answer: explainedSecret,
  },
} as const satisfies Readonly<Record<string, Endpoint>>
