import { z } from 'zod'
import { commitSha, id, ref, sha } from '../payload-parts.ts'
import { requestParts } from '../request-facts.ts'

// Only the fields we use; docs.github.com, "Webhook events and payloads".

export const repository = z.object({
  id,
  full_name: z.string().min(1).max(300),
  // Optional: a malformed owner counts as absent.
  owner: z.object({ id }).optional().catch(undefined),
})

/** `type` marks bots at GitHub; Gitea and Forgejo don't send it. */
const account = z.object({ id, login: z.string(), type: z.string().nullish() })

export const push = z.object({
  ref,
  /** Where the ref points now: a commit, or the tag object of an annotated tag; zero: deleted. */
  after: sha,
  /** Where it pointed before; zero: newly created. */
  before: sha.nullish(),
  deleted: z.boolean().optional(),
  repository: repository.extend({
    /** In seconds, or as text. */
    pushed_at: z
      .union([z.number(), z.string().max(100)])
      .nullish()
      .catch(undefined),
  }),
  head_commit: z
    .object({
      id: commitSha,
      message: z.string(),
      author: z.object({ name: z.string().nullish() }).nullish(),
    })
    .nullish(),
  pusher: z.object({ name: z.string() }).nullish(),
  sender: account.nullish(),
})
export type Push = z.infer<typeof push>

export const create = z.object({
  ref_type: z.string(),
  /** The short name. */
  ref: z.string(),
  repository,
  /**
   * Gitea and Gogs, of a tag: its commit, or the object of an annotated tag. Gogs sends an empty one of a
   * branch, and GitHub none.
   */
  sha: commitSha.nullish().catch(undefined),
  sender: account.nullish(),
})
export type Create = z.infer<typeof create>

export const release = z.object({
  action: z.string(),
  release: z.object({
    tag_name: z.string(),
    draft: z.unknown().optional(),
    id: id.nullish().catch(undefined),
    name: z.string().nullish().catch(undefined),
    published_at: z.string().max(100).nullish().catch(undefined),
    author: z.object({ login: z.string() }).nullish().catch(undefined),
  }),
  repository,
  sender: account.nullish(),
})
export type Release = z.infer<typeof release>

const former = z
  .object({ from: z.string().max(1000) })
  .nullish()
  .catch(undefined)
const labelList = z
  .array(z.object({ name: z.string() }))
  .nullish()
  .catch(undefined)

/** What has happened to a pull request: all that is read of those that aren't built. */
export const pullRequestChange = z.object({
  action: z.string(),
  repository,
  /** GitHub: the one that was added or removed. */
  label: z.object({ name: z.string() }).nullish().catch(undefined),
  changes: z
    .object({
      title: former,
      /** GitHub: the target branch. */
      base: z.object({ ref: former }).nullish().catch(undefined),
      /** Gitea and Forgejo: the target branch, and labels in newer versions. */
      ref: former,
      added_labels: labelList,
      removed_labels: labelList,
    })
    .nullish()
    .catch(undefined),
  pull_request: z
    .object({
      title: z.string().optional().catch(undefined),
      merged: z.boolean().optional().catch(undefined),
      labels: requestParts.labels,
      draft: requestParts.draft,
    })
    .optional()
    .catch(undefined),
})
export type PullRequestChange = z.infer<typeof pullRequestChange>

export const mergeGroup = z.object({
  action: z.string(),
  repository,
  sender: account.nullish(),
  merge_group: z.object({
    head_ref: ref,
    head_sha: commitSha,
    base_ref: ref.nullish().catch(undefined),
    base_sha: commitSha.nullish().catch(undefined),
    head_commit: z
      .object({
        message: z.string(),
        author: z.object({ name: z.string().nullish() }).nullish(),
      })
      .nullish()
      .catch(undefined),
  }),
})
export type MergeGroup = z.infer<typeof mergeGroup>

export const pullRequest = z.object({
  repository,
  sender: account.nullish(),
  /** GitHub, of `synchronize`: the head before. */
  before: commitSha.nullish().catch(undefined),
  pull_request: z.object({
    number: id,
    title: z.string(),
    updated_at: z.string().max(100).nullish().catch(undefined),
    ...requestParts,
    /** Null if the account was deleted. */
    user: account.nullable(),
    /** `repo` is null if the repository was deleted. */
    head: z.object({
      sha: commitSha,
      repo: z.object({ id }).nullable(),
      /** The branch's short name; for an AGit pull request `refs/pull/N/head`, with an empty label. */
      ref: z.string().max(1000).nullish(),
      label: z.string().max(1000).nullish(),
    }),
    /** Gitea and Forgejo: how it was created; 0 or absent: from a branch. */
    flow: z.unknown().optional(),
    base: z.object({
      repo: z.object({ id }),
      /** The branch's short name and the commit it pointed at. */
      ref: z.string().max(1000).nullish(),
      sha: commitSha.nullish(),
    }),
  }),
})
export type PullRequest = z.infer<typeof pullRequest>

/** A closed pull request, possibly merged. */
export const closedRequest = z.object({
  pull_request: z.object({
    number: id,
    user: account.nullish(),
    merged: z.unknown().optional(),
    base: z.object({ repo: z.object({ id }) }).nullish(),
  }),
})
export type ClosedRequest = z.infer<typeof closedRequest>
