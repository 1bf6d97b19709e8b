import { projectPath } from '../project-path.ts'
import type { StatusRequest, StatusWords } from '../status-request.ts'

/** developer.atlassian.com/cloud/bitbucket/rest/api-group-commit-statuses: `url` is required. */
export const bitbucketStatus: StatusRequest = ({ apiUrl, project }, token, status) => {
  const { sha, state, context, description, targetUrl } = status
  const path = projectPath(project)
  return {
    url: `${apiUrl}/repositories/${path}/commit/${sha}/statuses/build`,
    headers: { authorization: `Bearer ${token}` },
    body: {
      key: context,
      name: context,
      state: BITBUCKET_STATES[state],
      description,
      url: targetUrl ?? `https://bitbucket.org/${path}/commits/${sha}`,
    },
  }
}

const BITBUCKET_STATES: StatusWords = {
  pending: 'INPROGRESS',
  running: 'INPROGRESS',
  waiting: 'INPROGRESS',
  short: 'FAILED',
  unproven: 'INPROGRESS',
  success: 'SUCCESSFUL',
  skipped: 'SUCCESSFUL',
  failure: 'FAILED',
  timeout: 'FAILED',
  error: 'FAILED',
  cancelled: 'STOPPED',
}
