import { z } from 'zod'
import { present } from '../../lib/present.ts'
import type { AuthorQuestions, ForgePullRequest, MergedPage } from '../author-questions.ts'
import { id, sha } from '../payload-parts.ts'
import { projectPath } from '../project-path.ts'
import { requestFacts, requestParts } from '../request-facts.ts'
import { githubHeaders } from './headers.ts'

/**
 * docs.github.com/rest: "Get a pull request", "Get a user using their ID", "Search issues and pull requests".
 */
export const githubQuestions: AuthorQuestions = ({ apiUrl, project }, token) => {
  const headers = githubHeaders(token)
  return {
    request: (number) => ({
      url: `${apiUrl}/repos/${projectPath(project)}/pulls/${number}`,
      headers,
    }),
    readRequest: readPull,
    account: { ask: (id) => ({ url: `${apiUrl}/user/${id}`, headers }), read: readLogin },
    merged: ({ login }) => {
      const q = `repo:${project} is:pr is:merged author:${login}`
      return { url: `${apiUrl}/search/issues?per_page=2&q=${encodeURIComponent(q)}`, headers }
    },
    readMerged: (json) => readFound(json, project),
  }
}

export const account = z.object({ id, login: z.string().min(1).max(300) })
const branch = z.string().min(1).max(1000)

/** GitHub, Gitea and Forgejo: GET /repos/{owner}/{repo}/pulls/{number}. */
const pull = z.object({
  ...requestParts,
  user: account,
  head: z.object({ sha, repo: z.object({ owner: z.object({ id }) }).nullish() }),
  base: z.object({ sha: sha.nullish(), ref: branch.nullish(), repo: z.object({ id }) }),
})

export function readPull(json: unknown): ForgePullRequest | undefined {
  const { data } = pull.safeParse(json)
  if (!data) return undefined
  const { user, head, base, labels, draft, milestone } = data
  return {
    authorId: user.id,
    login: user.login,
    repositoryId: base.repo.id,
    headSha: head.sha,
    ...present({ headOwnerId: head.repo?.owner.id, base: base.sha, targetBranch: base.ref }),
    ...requestFacts({ labels, draft, milestone }),
  }
}

/** GET /user/{account_id}. */
function readLogin(json: unknown, wanted: number): string | undefined {
  const { data } = account.safeParse(json)
  return data?.id === wanted ? data.login : undefined
}

/** GET /search/issues; names change hands, so the author is checked by number. */
const found = z.object({
  items: z.array(
    z.object({
      user: z.object({ id }).nullish(),
      repository_url: z.string(),
      pull_request: z.object({ merged_at: z.string().nullish() }).nullish(),
    }),
  ),
})

function readFound(json: unknown, repositoryPath: string): MergedPage | undefined {
  const { data } = found.safeParse(json)
  if (!data) return undefined
  const end = `/repos/${repositoryPath}`.toLowerCase()
  const mergedOf = data.items
    .filter(({ repository_url }) => repository_url.toLowerCase().endsWith(end))
    .filter(({ pull_request }) => pull_request?.merged_at)
    .flatMap(({ user }) => (user ? [user.id] : []))
  return { isLast: true, mergedOf }
}
