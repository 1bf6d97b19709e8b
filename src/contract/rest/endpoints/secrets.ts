import { accepted, pipelineParams, repositoryParams } from '../rest.ts'
import {
  explainedSecret,
  newSecret,
  repositorySecretParams,
  secretList,
  secretParams,
  setSecretAnswer,
} from '../rest-secrets.ts'
import { endpoints } from './endpoint.ts'

export const secretsEndpoints = endpoints('secrets', {
  listSecrets: { summary: 'The global secrets, without their values', answer: secretList },
  setSecret: {
    summary: 'Set a secret for all repositories',
    params: secretParams,
    body: newSecret,
    answer: setSecretAnswer,
  },
  removeSecret: { summary: 'Remove a global secret', params: secretParams, answer: accepted },
  listSecretsOf: {
    summary: 'The secrets available to a repository: its own and the global ones',
    params: repositoryParams,
    answer: secretList,
  },
  setSecretOf: {
    summary: 'Set a secret of a repository; it overrides a global one',
    params: repositorySecretParams,
    body: newSecret,
    answer: setSecretAnswer,
  },
  removeSecretOf: {
    summary: 'Remove a secret of a repository',
    params: repositorySecretParams,
    answer: accepted,
  },
  explainSecret: {
    summary: 'Which jobs of a pipeline would get a secret, and why others would not',
    params: pipelineParams.extend(secretParams.shape),
    answer: explainedSecret,
  },
})
