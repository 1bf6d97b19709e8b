import type { CommitStatus } from '../../core/commit-status.ts'
import { projectPath } from '../project-path.ts'
import type { StatusRequest, StatusWords } from '../status-request.ts'
import { githubHeaders } from './headers.ts'

/** docs.github.com/rest/commits/statuses: four states, and none for what runs. */
export const githubStatus: StatusRequest = ({ apiUrl, project }, token, status) => ({
  url: `${apiUrl}/repos/${projectPath(project)}/statuses/${status.sha}`,
  headers: githubHeaders(token),
  body: bodyOf(status),
})

function bodyOf({ state, context, description, targetUrl }: CommitStatus) {
  const target = targetUrl === undefined ? {} : { target_url: targetUrl }
  return { state: GITHUB_STATES[state], context, description, ...target }
}

/** A time-out is the user's failure, like a red test; a pipeline that runs nothing blocks nothing. */
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
