import { z } from 'zod'
import type { AuthorQuestions, MergedPage } from '../author-questions.ts'
import { account, readPull } from '../github/authors.ts'
import { id } from '../payload-parts.ts'
import { projectPath } from '../project-path.ts'

/** Gitea's and Forgejo's API, per /api/swagger of an instance. */
export const giteaQuestions: AuthorQuestions = ({ apiUrl, project }, token) => {
  const headers = { authorization: `token ${token}` }
  const pulls = `${apiUrl}/repos/${projectPath(project)}/pulls`
  return {
    request: (number) => ({ url: `${pulls}/${number}`, headers }),
    readRequest: readPull,
    account: {
      ask: (id) => ({ url: `${apiUrl}/users/search?uid=${id}&limit=1`, headers }),
      read: readSearchedLogin,
    },
    merged: ({ login }, page) => {
      const poster = encodeURIComponent(login)
      return { url: `${pulls}?state=closed&limit=20&page=${page}&poster=${poster}`, headers }
    },
    readMerged: (json, { repositoryId }) => readPulls(json, repositoryId),
  }
}

/** GET /users/search?uid={id}. */
const users = z.object({ data: z.array(account) })

function readSearchedLogin(json: unknown, wanted: number): string | undefined {
  return users.safeParse(json).data?.data.find((user) => user.id === wanted)?.login
}

/** GET /repos/{owner}/{repo}/pulls; older versions ignore `poster` and list all. */
const pulls = z.array(
  z.object({
    user: z.object({ id }).nullish(),
    merged: z.unknown(),
    base: z.object({ repo: z.object({ id }).nullish() }).nullish(),
  }),
)

function readPulls(json: unknown, repositoryId: number): MergedPage | undefined {
  const { data } = pulls.safeParse(json)
  if (!data) return undefined
  const merged = data.filter((one) => one.merged === true && one.base?.repo?.id === repositoryId)
  return {
    isLast: data.length === 0,
    mergedOf: merged.flatMap(({ user }) => (user ? [user.id] : [])),
  }
}
