import type { ForgeLinkRecord } from '../../store/records.ts'
import type { CommitStatus } from '../../dispatcher/statuses/commit-status.ts'

/** Where a status goes, besides its token. */
export type ForgeTarget = Pick<ForgeLinkRecord, 'forge' | 'apiUrl' | 'project'>

/** One POST. */
export interface ForgeRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Readonly<Record<string, string>>
}

/** How a forge wants to be told of a status; nothing is sent. */
type ForgeRequests = (target: ForgeTarget, token: string, status: CommitStatus) => ForgeRequest

const FORGES: Readonly<Record<ForgeLinkRecord['forge'], ForgeRequests>> = {
  github: githubRequest,
  gitea: giteaRequest,
  gitlab: gitlabRequest,
  bitbucket: bitbucketRequest,
}

/** The request that tells the target's forge of a status. */
export const forgeRequest: ForgeRequests = (target, token, status) =>
  FORGES[target.forge](target, token, status)

/** docs.github.com/rest/commits/statuses: four states, and none for what runs. */
function githubRequest(
  { apiUrl, project }: ForgeTarget,
  token: string,
  status: CommitStatus,
): ForgeRequest {
  return {
    url: `${apiUrl}/repos/${pathOf(project)}/statuses/${status.sha}`,
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
    },
    body: bodyOf(status),
  }
}

/** Gitea's and Forgejo's API, as their /api/swagger says: GitHub's under another token. */
function giteaRequest(target: ForgeTarget, token: string, status: CommitStatus): ForgeRequest {
  return { ...githubRequest(target, token, status), headers: { authorization: `token ${token}` } }
}

/** docs.gitlab.com/api/commits, "Set commit pipeline status". */
function gitlabRequest(
  { apiUrl, project }: ForgeTarget,
  token: string,
  { sha, state, context, description, targetUrl }: CommitStatus,
): ForgeRequest {
  return {
    url: `${apiUrl}/projects/${encodeURIComponent(project)}/statuses/${sha}`,
    headers: { 'private-token': token },
    body: {
      state: GITLAB_STATES[state],
      name: context,
      description,
      ...(targetUrl === undefined ? {} : { target_url: targetUrl }),
    },
  }
}

/** developer.atlassian.com/cloud/bitbucket/rest/api-group-commit-statuses: a URL must be given. */
function bitbucketRequest(
  { apiUrl, project }: ForgeTarget,
  token: string,
  { sha, state, context, description, targetUrl }: CommitStatus,
): ForgeRequest {
  const path = pathOf(project)
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

function bodyOf({ state, context, description, targetUrl }: CommitStatus) {
  const target = targetUrl === undefined ? {} : { target_url: targetUrl }
  return { state: GITHUB_STATES[state], context, description, ...target }
}

/** A time-out is the user's failure, like a red test; a pipeline that runs nothing blocks nothing. */
const GITHUB_STATES: Readonly<Record<CommitStatus['state'], string>> = {
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

const GITLAB_STATES: Readonly<Record<CommitStatus['state'], string>> = {
  ...GITHUB_STATES,
  running: 'running',
  failure: 'failed',
  short: 'failed',
  timeout: 'failed',
  error: 'failed',
  cancelled: 'canceled',
}

const BITBUCKET_STATES: Readonly<Record<CommitStatus['state'], string>> = {
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

function pathOf(project: string): string {
  return project.split('/').map(encodeURIComponent).join('/')
}
