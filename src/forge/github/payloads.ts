import { z } from 'zod'
import { isRef, isSha, isZeroSha } from '../../core/commit-event.ts'

// Only the fields that are used; docs.github.com, "Webhook events and payloads".

const id = z.number().int().positive()
const ref = z.string().refine(isRef, 'is not a full, well-formed ref name')
const sha = z.string().refine(isSha, 'is not a full object name')
const commitSha = sha.refine((name) => !isZeroSha(name), 'is the zero object name')

export const repository = z.object({
  id,
  full_name: z.string().min(1).max(300),
  // Nothing hangs on it: what is odd there is as if it was not told.
  owner: z.object({ id }).optional().catch(undefined),
})

/** GitHub tells of programs that they are such; Gitea and Forgejo do not. */
const account = z.object({ id, login: z.string(), type: z.string().nullish() })

export const push = z.object({
  ref,
  /** Where the ref now points: to a commit, or to the tag object of an annotated tag; zero: gone. */
  after: sha,
  /** Where it pointed before; zero: it is new. */
  before: sha.nullish(),
  deleted: z.boolean().optional(),
  repository,
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
  /** GitHub sends none; some that speak like it do. */
  sha: commitSha.nullish(),
  sender: account.nullish(),
})
export type Create = z.infer<typeof create>

export const pullRequestAction = z.object({ action: z.string(), repository })

export const pullRequest = z.object({
  repository,
  sender: account.nullish(),
  pull_request: z.object({
    number: id,
    title: z.string(),
    /** Null when the account is gone. */
    user: account.nullable(),
    /** The repository is null when it is gone. */
    head: z.object({
      sha: commitSha,
      repo: z.object({ id }).nullable(),
      /** The branch's short name; of an AGit pull request `refs/pull/N/head`, and the label is empty. */
      ref: z.string().max(1000).nullish(),
      label: z.string().max(1000).nullish(),
    }),
    /** Of Gitea and Forgejo: how it came; 0 or absent: by a branch. */
    flow: z.unknown().optional(),
    base: z.object({
      repo: z.object({ id }),
      /** The branch's short name, and the commit it was at. */
      ref: z.string().max(1000).nullish(),
      sha: commitSha.nullish(),
    }),
  }),
})
export type PullRequest = z.infer<typeof pullRequest>

/** A pull request that was closed; `merged` says how. */
export const closedRequest = z.object({
  pull_request: z.object({
    number: id,
    user: account.nullish(),
    merged: z.unknown().optional(),
    base: z.object({ repo: z.object({ id }) }).nullish(),
  }),
})
export type ClosedRequest = z.infer<typeof closedRequest>
