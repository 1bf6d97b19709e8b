import { z } from 'zod'

/** A pull request as its forge tells it. */
export interface ToldRequest {
  /** Whose it is, by the forge's number, and the name that the account has now. */
  readonly authorId: number
  readonly login: string
  /** The repository that it wants into. */
  readonly repositoryId: number
  readonly headSha: string
  /** The account that the head's repository belongs to; absent: it is gone, or is not told. */
  readonly headOwnerId?: number
  /** The project that the head is in, where its owner has to be asked for (GitLab). */
  readonly headProjectId?: number
  /** What it is to be compared with. */
  readonly base?: string
  readonly targetBranch?: string
}

const id = z.number().int().positive()
const account = z.object({ id, login: z.string().min(1).max(300) })
const sha = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/)
const branch = z.string().min(1).max(1000)

/** GitHub, Gitea and Forgejo: GET /repos/{owner}/{repo}/pulls/{number}. */
const pull = z.object({
  user: account,
  head: z.object({ sha, repo: z.object({ owner: z.object({ id }) }).nullish() }),
  base: z.object({ sha: sha.nullish(), ref: branch.nullish(), repo: z.object({ id }) }),
})

export function readPull(json: unknown): ToldRequest | undefined {
  const { data } = pull.safeParse(json)
  if (!data) return undefined
  const { user, head, base } = data
  return {
    authorId: user.id,
    login: user.login,
    repositoryId: base.repo.id,
    headSha: head.sha,
    ...(head.repo ? { headOwnerId: head.repo.owner.id } : {}),
    ...(base.sha ? { base: base.sha } : {}),
    ...(base.ref ? { targetBranch: base.ref } : {}),
  }
}

/** GitLab: GET /projects/{id}/merge_requests/{iid}. */
const mergeRequest = z.object({
  author: z.object({ id, username: z.string() }),
  sha,
  source_project_id: id.nullish(),
  target_project_id: id,
  target_branch: branch.nullish(),
  diff_refs: z.object({ base_sha: sha.nullish() }).nullish(),
})

export function readMergeRequest(json: unknown): ToldRequest | undefined {
  const { data } = mergeRequest.safeParse(json)
  if (!data) return undefined
  const { author, source_project_id, target_project_id, target_branch, diff_refs } = data
  return {
    authorId: author.id,
    login: author.username,
    repositoryId: target_project_id,
    headSha: data.sha,
    ...(source_project_id ? { headProjectId: source_project_id } : {}),
    ...(diff_refs?.base_sha ? { base: diff_refs.base_sha } : {}),
    ...(target_branch ? { targetBranch: target_branch } : {}),
  }
}

/** GitLab: GET /projects/{id}; only a person's own project has an owner. */
const project = z.object({ owner: z.object({ id }).nullish() })

export function readProjectOwner(json: unknown): number | undefined {
  return project.safeParse(json).data?.owner?.id
}

/** GitHub: GET /user/{account_id}. */
export function readLogin(json: unknown, wanted: number): string | undefined {
  const { data } = account.safeParse(json)
  return data?.id === wanted ? data.login : undefined
}

/** Gitea and Forgejo: GET /users/search?uid={id}. */
const users = z.object({ data: z.array(account) })

export function readSearchedLogin(json: unknown, wanted: number): string | undefined {
  return users.safeParse(json).data?.data.find((user) => user.id === wanted)?.login
}

/** A page of pull requests: whether there may be more behind it, and whose of them were merged. */
export interface ToldPage {
  readonly isLast: boolean
  readonly mergedOf: readonly number[]
}

/** GitHub: GET /search/issues; whose a name is, only its number says. */
const found = z.object({
  items: z.array(
    z.object({
      user: z.object({ id }).nullish(),
      repository_url: z.string(),
      pull_request: z.object({ merged_at: z.string().nullish() }).nullish(),
    }),
  ),
})

export function readFound(json: unknown, repositoryPath: string): ToldPage | undefined {
  const { data } = found.safeParse(json)
  if (!data) return undefined
  const end = `/repos/${repositoryPath}`.toLowerCase()
  const mergedOf = data.items
    .filter(({ repository_url }) => repository_url.toLowerCase().endsWith(end))
    .filter(({ pull_request }) => pull_request?.merged_at)
    .flatMap(({ user }) => (user ? [user.id] : []))
  return { isLast: true, mergedOf }
}

/** Gitea and Forgejo: GET /repos/{owner}/{repo}/pulls; older ones know no `poster`, and list all. */
const pulls = z.array(
  z.object({
    user: z.object({ id }).nullish(),
    merged: z.unknown(),
    base: z.object({ repo: z.object({ id }).nullish() }).nullish(),
  }),
)

export function readPulls(json: unknown, repositoryId: number): ToldPage | undefined {
  const { data } = pulls.safeParse(json)
  if (!data) return undefined
  const merged = data.filter((one) => one.merged === true && one.base?.repo?.id === repositoryId)
  return {
    isLast: data.length === 0,
    mergedOf: merged.flatMap(({ user }) => (user ? [user.id] : [])),
  }
}

/** GitLab: GET /projects/{id}/merge_requests. */
const mergeRequests = z.array(
  z.object({
    author: z.object({ id }).nullish(),
    state: z.string(),
    target_project_id: id,
  }),
)

export function readMergeRequests(json: unknown, repositoryId: number): ToldPage | undefined {
  const { data } = mergeRequests.safeParse(json)
  if (!data) return undefined
  const merged = data.filter(
    ({ state, target_project_id }) => state === 'merged' && target_project_id === repositoryId,
  )
  return { isLast: true, mergedOf: merged.flatMap(({ author }) => (author ? [author.id] : [])) }
}
