import type { WebhookForgePort } from '../forge.ts'
import { projectPath } from '../project-path.ts'
import { readNumbered } from '../repository-question.ts'
import { githubQuestions } from './authors.ts'
import { githubHeaders } from './headers.ts'
import { githubStatus } from './status.ts'
import { parseGithub } from './webhook.ts'

export const github: WebhookForgePort = {
  hooks: {
    eventHeaders: ['x-github-event'],
    deliveryHeaders: ['x-github-delivery'],
    proofHeaders: ['x-hub-signature-256'],
    proof: { kind: 'hmac', prefix: 'sha256=' },
    address: { object: 'repository', name: 'full_name' },
    trial: { eventName: 'ping', payload: { zen: 'A test delivery of Narwhal.' } },
    parse: parseGithub,
  },
  statusRequest: githubStatus,
  repositoryQuestion: ({ apiUrl, project }, token) => ({
    url: `${apiUrl}/repos/${projectPath(project)}`,
    headers: githubHeaders(token),
  }),
  readRepository: readNumbered,
  authorQuestions: githubQuestions,
}
