import { z } from 'zod'
import { commitSha, id, ref, sha } from '../payload-parts.ts'
import { gitlabDraft, gitlabLabels } from '../request-facts.ts'

// Only the fields we use; docs.gitlab.com, "Webhook events".

export const project = z.object({ id, path_with_namespace: z.string().min(1).max(300) })
export type Project = z.infer<typeof project>

const commit = z.object({
  id: commitSha,
  message: z.string(),
  author: z.object({ name: z.string().nullish() }).nullish(),
})

/** Push and tag events. */
export const push = z.object({
  ref,
  before: sha.nullish(),
  /** Where the ref points now: a commit, or the tag object of an annotated tag; zero: deleted. */
  after: sha,
  /** The commit there; null if the ref was deleted. */
  checkout_sha: commitSha.nullish(),
  user_id: id.nullish(),
  user_name: z.string().nullish(),
  user_username: z.string().nullish(),
  project,
  /** Newest last; at most the newest twenty. */
  commits: z.array(commit).nullish(),
})
export type Push = z.infer<typeof push>

function changed<Value>(schema: z.ZodType<Value>) {
  const value = schema.optional().catch(undefined)
  return z.object({ previous: value, current: value }).nullish().catch(undefined)
}

const word = z.string().max(1000)

export const mergeRequest = z.object({
  project,
  /** Of an update; a push may have others in it that did not change. */
  changes: z
    .object({
      title: changed(word),
      target_branch: changed(word),
      draft: changed(z.boolean()),
      work_in_progress: changed(z.boolean()),
      labels: changed(z.array(z.object({ title: z.string() }).transform(({ title }) => title))),
    })
    .nullish()
    .catch(undefined),
  labels: gitlabLabels,
  object_attributes: z.object({
    iid: id,
    title: z.string(),
    /** Older versions have `work_in_progress` only. */
    draft: gitlabDraft,
    work_in_progress: gitlabDraft,
    /** The title of the milestone isn't sent. */
    milestone_id: z.number().nullish().catch(undefined),
    /** Absent in test deliveries. */
    action: z.string().nullish(),
    updated_at: z.string().max(100).nullish().catch(undefined),
    /** The previous head, if there are new commits. */
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

export const release = z.object({
  id,
  action: z.string(),
  /** The short name. */
  tag: z.string(),
  name: z.string().nullish(),
  project,
  /** The commit of the tag. */
  commit: z.object({
    id: commitSha,
    author: z.object({ name: z.string().nullish() }).nullish(),
  }),
})
export type Release = z.infer<typeof release>
