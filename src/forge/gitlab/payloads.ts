import { z } from 'zod'
import { isRef, isSha, isZeroSha } from '../../core/commit-event.ts'

// Only the fields that are used; docs.gitlab.com, "Webhook events".

const id = z.number().int().positive()
const ref = z.string().refine(isRef, 'is not a full, well-formed ref name')
const sha = z.string().refine(isSha, 'is not a full object name')
const commitSha = sha.refine((name) => !isZeroSha(name), 'is the zero object name')

export const project = z.object({ id, path_with_namespace: z.string().min(1).max(300) })
export type Project = z.infer<typeof project>

const commit = z.object({
  id: commitSha,
  message: z.string(),
  author: z.object({ name: z.string().nullish() }).nullish(),
})

/** Of a push and of a tag. */
export const push = z.object({
  ref,
  before: sha.nullish(),
  /** Where the ref now points: to a commit, or to the tag object of an annotated tag; zero: gone. */
  after: sha,
  /** The commit there; null when the ref is gone. */
  checkout_sha: commitSha.nullish(),
  user_id: id.nullish(),
  user_name: z.string().nullish(),
  user_username: z.string().nullish(),
  project,
  /** The newest last; of a long push only the newest twenty. */
  commits: z.array(commit).nullish(),
})
export type Push = z.infer<typeof push>

export const mergeRequest = z.object({
  project,
  object_attributes: z.object({
    iid: id,
    title: z.string(),
    /** Absent for what only tests the webhook. */
    action: z.string().nullish(),
    /** The former head, where there are new commits. */
    oldrev: sha.nullish(),
    author_id: id.nullish(),
    source_project_id: id.nullish(),
    target_project_id: id,
    source_branch: z.string().max(1000).nullish(),
    target_branch: z.string().max(1000).nullish(),
    last_commit: commit,
  }),
  user: z
    .object({ id: id.nullish(), name: z.string().nullish(), username: z.string().nullish() })
    .nullish(),
})
export type MergeRequest = z.infer<typeof mergeRequest>
