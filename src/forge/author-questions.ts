import type { ForgeTarget } from './github/status.ts'
import type { ForgeQuestion } from '../dispatcher/forge-authors/ask-forge.ts'
import {
  readFound,
  readLogin,
  readMergeRequest,
  readMergeRequests,
  readPull,
  readPulls,
  readSearchedLogin,
  type ToldPage,
  type ToldRequest,
} from './github/authors.ts'

/** Whose merged pull requests are asked for. */
export interface Asked {
  readonly authorId: number
  /** The name that the account has now; only where the forge asks by name. */
  readonly login: string
  readonly repositoryId: number
}

/** What a kind of forge is asked, and how its answers are read; undefined: it is not what was expected. */
export interface ForgeQuestions {
  /** The pull request with this number. */
  readonly request: (number: number) => ForgeQuestion
  readonly readRequest: (json: unknown) => ToldRequest | undefined
  /** Which name the account with this number has; absent: nothing is asked by name. */
  readonly account?: (id: number) => ForgeQuestion
  readonly readAccount?: (json: unknown, id: number) => string | undefined
  /** The project with this number, for its owner; absent: the pull request tells that. */
  readonly project?: (id: number) => ForgeQuestion
  /** Merged pull requests of somebody, page by page, from 1. */
  readonly merged: (asked: Asked, page: number) => ForgeQuestion
  readonly readMerged: (json: unknown, asked: Asked) => ToldPage | undefined
}

/** Undefined where the forge shows no pull requests as refs, so that none are built. */
export function forgeQuestions(target: ForgeTarget, token: string): ForgeQuestions | undefined {
  switch (target.forge) {
    case 'github':
      return githubQuestions(target, token)
    case 'gitea':
      return giteaQuestions(target, token)
    case 'gitlab':
      return gitlabQuestions(target, token)
    case 'bitbucket':
      return undefined
  }
}

/** docs.github.com/rest: "Get a pull request", "Get a user using their ID", "Search issues and pull requests". */
function githubQuestions({ apiUrl, project }: ForgeTarget, token: string): ForgeQuestions {
  const headers = {
    authorization: `Bearer ${token}`,
    accept: 'application/vnd.github+json',
    'x-github-api-version': '2022-11-28',
  }
  return {
    request: (number) => ({ url: `${apiUrl}/repos/${pathOf(project)}/pulls/${number}`, headers }),
    readRequest: readPull,
    account: (id) => ({ url: `${apiUrl}/user/${id}`, headers }),
    readAccount: readLogin,
    merged: ({ login }) => {
      const q = `repo:${project} is:pr is:merged author:${login}`
      return { url: `${apiUrl}/search/issues?per_page=2&q=${encodeURIComponent(q)}`, headers }
    },
    readMerged: (json) => readFound(json, project),
  }
}

/** Gitea's and Forgejo's API, as their /api/swagger says. */
function giteaQuestions({ apiUrl, project }: ForgeTarget, token: string): ForgeQuestions {
  const headers = { authorization: `token ${token}` }
  const pulls = `${apiUrl}/repos/${pathOf(project)}/pulls`
  return {
    request: (number) => ({ url: `${pulls}/${number}`, headers }),
    readRequest: readPull,
    account: (id) => ({ url: `${apiUrl}/users/search?uid=${id}&limit=1`, headers }),
    readAccount: readSearchedLogin,
    merged: ({ login }, page) => {
      const poster = encodeURIComponent(login)
      return { url: `${pulls}?state=closed&limit=20&page=${page}&poster=${poster}`, headers }
    },
    readMerged: (json, { repositoryId }) => readPulls(json, repositoryId),
  }
}

/** docs.gitlab.com/api/merge_requests: the only one that is asked by the account's number. */
function gitlabQuestions({ apiUrl, project }: ForgeTarget, token: string): ForgeQuestions {
  const headers = { 'private-token': token }
  const path = `${apiUrl}/projects/${encodeURIComponent(project)}`
  return {
    request: (number) => ({ url: `${path}/merge_requests/${number}`, headers }),
    readRequest: readMergeRequest,
    project: (id) => ({ url: `${apiUrl}/projects/${id}`, headers }),
    merged: ({ authorId }) => {
      const query = `state=merged&scope=all&per_page=2&author_id=${authorId}`
      return { url: `${path}/merge_requests?${query}`, headers }
    },
    readMerged: (json, { repositoryId }) => readMergeRequests(json, repositoryId),
  }
}

function pathOf(project: string): string {
  return project.split('/').map(encodeURIComponent).join('/')
}
