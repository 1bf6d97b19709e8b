import { present } from '../../lib/present.ts'
import { projectPath } from '../project-path.ts'
import type { StatusRequest, StatusWords } from '../status-request.ts'
import { githubHeaders } from './headers.ts'

/** docs.github.com/rest/commits/statuses: four states, and none for running. */
export const githubStatus: StatusRequest = ({ apiUrl, project }, token, status) => {
  const { sha, state, context, description, targetUrl } = status
  return {
    url: `${apiUrl}/repos/${projectPath(project)}/statuses/${sha}`,
    headers: githubHeaders(token),
    body: {
      state: GITHUB_STATES[state],
      context,
      description,
      ...present({ target_url: targetUrl }),
    },
  }
}

/** A timeout is the user's failure, like a red test; a pipeline without jobs must not block a merge. */
export const GITHUB_STATES: StatusWords = {
  pending: 'pending',
  running: 'pending',
  waiting: 'pending',
  short: 'failure',
  unproven: 'pending',
  success: 'success',
  failure: 'failure',
  timeout: 'failure',
  error: 'error',
  cancelled: 'error',
  skipped: 'success',
}
