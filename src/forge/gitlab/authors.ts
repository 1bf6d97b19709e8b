import { z } from 'zod'
import { present } from '../../lib/present.ts'
import type { AuthorQuestions, ForgePullRequest, MergedPage } from '../author-questions.ts'
import { id, sha } from '../payload-parts.ts'
import { gitlabDraft, gitlabLabels, gitlabMilestone, requestFacts } from '../request-facts.ts'

/** docs.gitlab.com/api/merge_requests: filters by account number, unlike the others. */
export const gitlabQuestions: AuthorQuestions = ({ apiUrl, project }, token) => {
  const headers = { 'private-token': token }
  const path = `${apiUrl}/projects/${encodeURIComponent(project)}`
  return {
    request: (number) => ({ url: `${path}/merge_requests/${number}`, headers }),
    readRequest: readMergeRequest,
    project: {
      ask: (id) => ({ url: `${apiUrl}/projects/${id}`, headers }),
      read: readProjectOwner,
    },
    merged: ({ authorId }) => {
      const query = `state=merged&scope=all&per_page=2&author_id=${authorId}`
      return { url: `${path}/merge_requests?${query}`, headers }
    },
    readMerged: (json, { repositoryId }) => readMergeRequests(json, repositoryId),
  }
}

/** GET /projects/{id}/merge_requests/{iid}. */
const mergeRequest = z.object({
  author: z.object({ id, username: z.string() }),
  sha,
  source_project_id: id.nullish(),
  target_project_id: id,
  target_branch: z.string().min(1).max(1000).nullish(),
  diff_refs: z.object({ base_sha: sha.nullish() }).nullish(),
  labels: gitlabLabels,
  draft: gitlabDraft,
  milestone: gitlabMilestone,
})

function readMergeRequest(json: unknown): ForgePullRequest | undefined {
  const { data } = mergeRequest.safeParse(json)
  if (!data) return undefined
  const { author, source_project_id, target_project_id, target_branch, diff_refs } = data
  return {
    authorId: author.id,
    login: author.username,
    repositoryId: target_project_id,
    headSha: data.sha,
    ...present({
      headProjectId: source_project_id,
      base: diff_refs?.base_sha,
      targetBranch: target_branch,
    }),
    ...requestFacts(data),
  }
}

/** GET /projects/{id}; only a user's personal project has an owner. */
const project = z.object({ owner: z.object({ id }).nullish() })

function readProjectOwner(json: unknown): number | undefined {
  return project.safeParse(json).data?.owner?.id
}

/** GET /projects/{id}/merge_requests. */
const mergeRequests = z.array(
  z.object({
    author: z.object({ id }).nullish(),
    state: z.string(),
    target_project_id: id,
  }),
)

function readMergeRequests(json: unknown, repositoryId: number): MergedPage | undefined {
  const { data } = mergeRequests.safeParse(json)
  if (!data) return undefined
  const merged = data.filter(
    ({ state, target_project_id }) => state === 'merged' && target_project_id === repositoryId,
  )
  return { isLast: true, mergedOf: merged.flatMap(({ author }) => (author ? [author.id] : [])) }
}
