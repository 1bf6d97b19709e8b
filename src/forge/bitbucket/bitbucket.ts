import type { ForgePort } from '../forge.ts'
import { projectPath } from '../project-path.ts'
import { bitbucketStatus } from './status.ts'

/** It shows no pull requests as refs, and its webhooks are not read: repositories there are polled. */
export const bitbucket: ForgePort = {
  statusRequest: bitbucketStatus,
  repositoryQuestion: ({ apiUrl, project }, token) => ({
    url: `${apiUrl}/repositories/${projectPath(project)}`,
    headers: { authorization: `Bearer ${token}` },
  }),
}
