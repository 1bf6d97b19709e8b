import type { ForgePort } from '../forge.ts'
import { projectPath } from '../project-path.ts'
import { readNamed } from '../repository-question.ts'
import { bitbucketStatus } from './status.ts'

/** Polled only: Bitbucket has no refs for pull requests, and its webhooks are not supported. */
export const bitbucket: ForgePort = {
  statusRequest: bitbucketStatus,
  repositoryQuestion: ({ apiUrl, project }, token) => ({
    url: `${apiUrl}/repositories/${projectPath(project)}`,
    headers: { authorization: `Bearer ${token}` },
  }),
  readRepository: readNamed,
}
