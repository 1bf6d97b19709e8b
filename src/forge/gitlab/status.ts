import { present } from '../../lib/present.ts'
import { GITHUB_STATES } from '../github/status.ts'
import type { StatusRequest, StatusWords } from '../status-request.ts'

/** docs.gitlab.com/api/commits, "Set commit pipeline status". */
export const gitlabStatus: StatusRequest = ({ apiUrl, project }, token, status) => {
  const { sha, state, context, description, targetUrl } = status
  return {
    url: `${apiUrl}/projects/${encodeURIComponent(project)}/statuses/${sha}`,
    headers: { 'private-token': token },
    body: {
      state: GITLAB_STATES[state],
      name: context,
      description,
      ...present({ target_url: targetUrl }),
    },
  }
}

const GITLAB_STATES: StatusWords = {
  ...GITHUB_STATES,
  running: 'running',
  failure: 'failed',
  short: 'failed',
  timeout: 'failed',
  error: 'failed',
  cancelled: 'canceled',
}
