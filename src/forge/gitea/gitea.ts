import type { WebhookForgePort } from '../forge.ts'
import { projectPath } from '../project-path.ts'
import { readNumbered } from '../repository-question.ts'
import { giteaQuestions } from './authors.ts'
import { giteaStatus } from './status.ts'
import { parseGitea } from './webhook.ts'

/** Also Forgejo, which has the same API and sends the headers under either name. */
export const gitea: WebhookForgePort = {
  hooks: {
    eventHeaders: ['x-gitea-event', 'x-forgejo-event'],
    deliveryHeaders: ['x-gitea-delivery', 'x-forgejo-delivery'],
    proofHeaders: ['x-gitea-signature', 'x-forgejo-signature'],
    proof: { kind: 'hmac', prefix: '' },
    address: { object: 'repository', name: 'full_name' },
    trial: { eventName: 'ping', payload: { zen: 'A test delivery of Narwhal.' } },
    parse: parseGitea,
  },
  statusRequest: giteaStatus,
  repositoryQuestion: ({ apiUrl, project }, token) => ({
    url: `${apiUrl}/repos/${projectPath(project)}`,
    headers: { authorization: `token ${token}` },
  }),
  readRepository: readNumbered,
  authorQuestions: giteaQuestions,
}
