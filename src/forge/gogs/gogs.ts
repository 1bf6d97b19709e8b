import type { WebhookForgePort } from '../forge.ts'
import { giteaStatus } from '../gitea/status.ts'
import { projectPath } from '../project-path.ts'
import { readNumbered } from '../repository-question.ts'
import { parseGogs } from './webhook.ts'

/**
 * Gogs sends GitHub's event header besides its own, but not GitHub's signature. With an empty secret the
 * signature is there, and empty.
 */
export const gogs: WebhookForgePort = {
  hooks: {
    eventHeaders: ['x-gogs-event'],
    deliveryHeaders: ['x-gogs-delivery'],
    proofHeaders: ['x-gogs-signature'],
    proof: { kind: 'hmac', prefix: '' },
    address: { object: 'repository', name: 'full_name' },
    trial: { eventName: 'ping', payload: { zen: 'A test delivery of Narwhal.' } },
    parse: parseGogs,
  },
  // Gitea's form; Gogs itself answers 404.
  statusRequest: giteaStatus,
  repositoryQuestion: ({ apiUrl, project }, token) => ({
    url: `${apiUrl}/repos/${projectPath(project)}`,
    headers: { authorization: `token ${token}` },
  }),
  readRepository: readNumbered,
}
