import type { WebhookForgePort } from '../forge.ts'
import { gitlabQuestions } from './authors.ts'
import { project } from './payloads.ts'
import { gitlabStatus } from './status.ts'
import { parseGitlab } from './webhook.ts'

export const gitlab: WebhookForgePort = {
  hooks: {
    eventHeaders: ['x-gitlab-event'],
    // A retry has the same key; absent before GitLab 17.4.
    deliveryHeaders: ['idempotency-key', 'x-gitlab-event-uuid'],
    // Not signed: the secret itself is sent, so the connection must be encrypted.
    proofHeaders: ['x-gitlab-token'],
    proof: { kind: 'token' },
    address: { object: 'project', name: 'path_with_namespace' },
    trial: { eventName: 'Test Hook', payload: { object_kind: 'test' } },
    parse: parseGitlab,
  },
  statusRequest: gitlabStatus,
  repositoryQuestion: ({ apiUrl, project }, token) => ({
    url: `${apiUrl}/projects/${encodeURIComponent(project)}`,
    headers: { 'private-token': token },
  }),
  readRepository: (json) => {
    const { data } = project.safeParse(json)
    return data && { id: data.id, path: data.path_with_namespace }
  },
  authorQuestions: gitlabQuestions,
}
