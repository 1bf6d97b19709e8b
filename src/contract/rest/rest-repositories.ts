import { z } from 'zod'
import { FORGES } from '../../core/forges.ts'
import { APPROVAL_RULES, PIPELINE_FILES_RULES } from '../../core/stranger/approval.ts'
import { at, repositoryId } from './views.ts'

/** Since when a forge has refused a repository's token, and its message. */
export const forgeRefusalView = z
  .object({ since: at, words: z.string() })
  .meta({ id: 'ForgeRefusal' })

export const repositoryRules = {
  /** Whose commits need approval before they run. */
  approval: z.enum(APPROVAL_RULES).optional(),
  /** Whether strangers with a merged pull request need approval if they change pipeline files. */
  pipelineFiles: z.enum(PIPELINE_FILES_RULES).optional(),
  /** A commit for which nothing runs is not reported as a success, even one by its own people. */
  skippedIsOpen: z.boolean().optional(),
}

export const repositoryView = z
  .object({
    id: repositoryId,
    /** `owner/name`, unique among the repositories. */
    name: z.string(),
    forge: z.enum(FORGES),
    cloneUrl: z.string(),
    /** Its path at the forge, if that is not its name here. */
    forgePath: z.string().optional(),
    /** It was renamed at the forge, whose last webhook named this path; the clone URL has the former one. */
    movedTo: z.string().optional(),
    /** Milliseconds between polls for new commits; 0: webhooks only. */
    pollIntervalMs: z.number().int().nonnegative(),
    ...repositoryRules,
    /** Registered before `approval` existed, and not chosen since. */
    isApprovalUnchosen: z.literal(true).optional(),
    /** Accounts, by the forge's numbers, that count as strangers even on the repository's own branches. */
    strangerAccounts: z.array(z.number().int()).optional(),
    /** Their names, for display; absent in lists of repositories. */
    strangers: z
      .array(
        z.object({
          id: z.number().int(),
          /** Absent: not seen yet. */
          name: z.string().optional(),
          /** The name under which it was listed, if it has another one now. */
          formerName: z.string().optional(),
        }),
      )
      .optional(),
    /** Bots that push to its own branches and are not listed, the last seen first. */
    seenBots: z.array(z.object({ id: z.number().int(), name: z.string(), seenAt: at })).optional(),
    /** Its forge refuses the token for commit statuses; absent in lists of repositories. */
    forgeRefusal: forgeRefusalView.optional(),
    createdAt: at,
  })
  .meta({ id: 'Repository' })
export type RepositoryView = z.infer<typeof repositoryView>
