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
    /** What git shows itself with to its server; its own, if any. */
    credentials: z.array(z.enum(['password', 'deploy key'])).optional(),
    /** The public half of its deploy key, as forges take it. */
    deployKey: z.string().optional(),
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

const repositoryName = z
  .string()
  .regex(
    /^[A-Za-z0-9_.-]+(?:\/[A-Za-z0-9_.-]+)*$/,
    'must be like owner/name: letters, digits, `.`, `_`, `-`',
  )
  .max(200)
  .refine(
    (name) => name.split('/').every((part) => part !== '.' && part !== '..'),
    'must not have `.` or `..` as a part',
  )

const cloneUrl = z.string().max(2048)
/** What git shows itself with by HTTP; stored encrypted, and never shown again. */
const credentials = z.strictObject({
  /** Absent: the password is a token, and the forge decides how it is sent. */
  username: z
    .string()
    .max(200)
    .regex(/^[^:\p{Cc}]*$/u, 'must have neither colons nor control characters')
    .optional(),
  password: z
    .string()
    .min(1)
    .max(2000)
    .regex(/^[^\p{Cc}]+$/u, 'must have no control characters'),
})
export type NewCredentials = z.infer<typeof credentials>
const pollIntervalMs = z.number().int().min(0).max(86_400_000)

export const newRepository = z.strictObject({
  name: repositoryName,
  /** https://…, ssh://…, git@host:path, or an absolute path on the machine. */
  cloneUrl,
  /** By default found out by the host, or by asking its server. */
  forge: z.enum(FORGES).optional(),
  /** Milliseconds between polls for new commits; 0: webhooks only. By default one minute. */
  pollIntervalMs: pollIntervalMs.default(60_000),
  credentials: credentials.optional(),
})
export type NewRepository = z.input<typeof newRepository>

/** What to enter at the forge; the secret is shown to users who may register repositories. */
export const registeredRepository = z.object({
  repository: repositoryView,
  webhook: z
    .object({
      path: z.string(),
      secret: z.string(),
      /** Until when the previous secret stays valid, unless the forge uses this one earlier. */
      formerEndsAt: z.number().int().nonnegative().optional(),
    })
    .optional(),
  /** Nobody said which forge hosts it, and its server didn't either: it is polled as plain git. */
  isForgeUnknown: z.literal(true).optional(),
})
export type RegisteredRepository = z.infer<typeof registeredRepository>
export const repositoryList = z.object({ repositories: z.array(repositoryView) })
export const newSecretQuery = z.object({
  /** How long the previous secret stays valid, in milliseconds; by default a week. */
  formerEndsInMs: z.coerce
    .number()
    .int()
    .min(0)
    .max(90 * 86_400_000)
    .default(7 * 86_400_000),
})
/** What of a repository can be changed; absent ones stay as they are. */
export const changeRepository = z.strictObject({
  ...repositoryRules,
  /** Accounts, by the forge's numbers, that count as strangers even on the repository's own branches. */
  strangerAccounts: z.array(z.number().int().positive()).max(200).optional(),
  /** Its name here; pipelines keep their numbers and are shown under the new name. */
  name: repositoryName.optional(),
  /** Where it is from now on. The same URL again: what was created again there is this repository. */
  cloneUrl: cloneUrl.optional(),
  forge: z.enum(FORGES).optional(),
  pollIntervalMs: pollIntervalMs.optional(),
  /** Null: none from now on. */
  credentials: credentials.nullable().optional(),
})
export type ChangeRepository = z.infer<typeof changeRepository>

export const madeDeployKey = z.object({
  repository: repositoryView,
  /** The public half, as forges take it. */
  deployKey: z.string(),
})
export type MadeDeployKey = z.infer<typeof madeDeployKey>

export const changedRepository = z.object({
  repository: repositoryView,
  /** What else has to be done, in plain text. */
  warnings: z.array(z.string()),
})
export type ChangedRepository = z.infer<typeof changedRepository>
