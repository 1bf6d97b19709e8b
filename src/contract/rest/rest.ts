import { z } from 'zod'
import { ROLES } from '../../core/access/role.ts'
import { EVENT_KINDS } from '../../core/commit-event.ts'
import { PIPELINE_STATUSES } from '../../core/pipeline/pipeline.ts'
import {
  attemptView,
  jobId,
  jobView,
  outcomeSchema,
  pipelineId,
  pipelineView,
  queuedJobView,
  runnerSample,
  runnerView,
} from './views.ts'

/** Requests and responses of the REST API; the OpenAPI document is generated from these. */

/** The body of every error. `problems`: everything wrong with a request, by path. */
export const errorBody = z
  .object({
    code: z.string(),
    message: z.string(),
    problems: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Error' })
export type ErrorBody = z.infer<typeof errorBody>

/** A number in a query: from 1 to `max`. */
export const count = (fallback: number, max: number) =>
  z.coerce.number().int().positive().max(max).default(fallback)

/** A repository by its id or its name with `/` written as `%2F`. */
export const repositoryParams = z.object({ repository: z.string().max(300) })

export const pipelineQuery = z.object({
  repository: z.string().max(300).optional(),
  status: z.enum(PIPELINE_STATUSES).optional(),
  outcome: outcomeSchema.optional(),
  /** A full ref, or the short name of a branch or tag. */
  ref: z.string().max(1024).optional(),
  kind: z.enum(EVENT_KINDS).optional(),
  author: z.string().max(200).optional(),
  text: z.string().max(200).optional(),
  /** The last pipeline of the previous page. */
  before: pipelineId.optional(),
  limit: count(50, 500),
})
export type PipelineQuery = z.input<typeof pipelineQuery>
export const pipelineList = z.object({ pipelines: z.array(pipelineView) })
export const pipelineParams = z.object({ pipeline: pipelineId })
export const pipelineWithJobs = z.object({
  pipeline: pipelineView,
  jobs: z.array(jobView),
  /** Why its forge refused its last status; absent: it did not. */
  statusRefusal: z.string().optional(),
  /** The number of the newest state change, to resume live events after it. */
  seq: z.number().int().nonnegative(),
})
export type PipelineWithJobs = z.infer<typeof pipelineWithJobs>

export const startPipeline = z.strictObject({
  /** Its id or name. */
  repository: z.string().max(300),
  /** A branch, a tag, a full ref or a full commit id; absent: the remote's HEAD. */
  ref: z.string().min(1).max(1024).optional(),
  /** Values for the `inputs` of narwhal.yml, as text. */
  inputs: z
    .record(z.string().max(50), z.string().max(4096))
    .refine((inputs) => Object.keys(inputs).length <= 50, 'are more than 50')
    .optional(),
})
export type StartPipeline = z.infer<typeof startPipeline>
export const startedPipeline = z.object({ pipeline: pipelineView })
export const changedJob = z.object({ job: jobView })
export const cancelRequest = z
  .strictObject({ reason: z.string().max(500).optional() })
  .nullish()
  .transform((body) => body ?? {})

export const jobParams = z.object({ job: jobId })
export const attemptParams = jobParams.extend({ attempt: z.coerce.number().int().positive() })
export const attemptList = z.object({ attempts: z.array(attemptView) })
export const shownAttempt = z.object({ attempt: attemptView })
export const stepList = z.object({ steps: attemptView.shape.steps })

const runnerName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$/, 'must be like build-1: letters, digits, _ . -')
  // Paths have these where a runner's name could be.
  .refine((name) => !['attach', 'join', 'tokens'].includes(name), 'is reserved')
const runnerLabels = z
  .array(z.string().regex(/^[A-Za-z0-9_.:/-]{1,100}$/, 'must be of letters, digits, _ . : / -'))
  .max(100)

const MOST_JOIN_LIFE_MS = 90 * 24 * 3_600_000

export const newRunner = z.strictObject({
  name: runnerName,
  /** http://host:port or https://host:port of the runner, or of a load balancer before several. */
  url: z.url({ protocol: /^https?$/ }).max(2048),
  balanced: z.boolean().default(false),
  /** The token that the runner requires; see `narwhal runner --help`. */
  token: z.string().max(500).optional(),
  /** The labels that it may claim; absent: any. */
  labels: runnerLabels.optional(),
})
export type NewRunner = z.input<typeof newRunner>
export const runnerParams = z.object({ runner: z.string().max(200) })
export const shownRunner = z.object({ runner: runnerView })
export const runnerList = z.object({ runners: z.array(runnerView) })
/** Samples kept per runner: an hour at one per five seconds. */
export const MOST_SAMPLES = 720
export const sampleQuery = z.object({
  /** The maximum number of samples. */
  points: z.coerce.number().int().positive().max(MOST_SAMPLES).default(120),
})
export const sampleList = z.object({ samples: z.array(runnerSample) })

export const newJoinToken = z.strictObject({
  /** The labels that runners may claim. */
  labels: runnerLabels.default([]),
  /** How many runners may join with it. */
  uses: z.number().int().min(1).max(10_000).default(1),
  /** Milliseconds until it expires; by default an hour. */
  lifeMs: z.number().int().min(60_000).max(MOST_JOIN_LIFE_MS).default(3_600_000),
  /** Address ranges that runners may join from; absent: any. */
  sources: z
    .array(z.union([z.cidrv4(), z.cidrv6()]))
    .min(1)
    .max(50)
    .optional(),
})
export type NewJoinToken = z.input<typeof newJoinToken>
const shownJoinToken = z.object({
  id: z.string(),
  labels: z.array(z.string()),
  /** How many runners may join with it. */
  uses: z.number(),
  expiresAt: z.number(),
  sources: z.array(z.string()).optional(),
})
export const createdJoinToken = shownJoinToken.extend({ token: z.string() })
export const joinTokenList = z.object({
  tokens: z.array(
    shownJoinToken.extend({
      createdAt: z.number(),
      /** How many runners have joined with it. */
      used: z.number(),
      usedAt: z.number().optional(),
      /** The runner that used it last; may have been removed since. */
      runnerId: z.string().optional(),
    }),
  ),
})
export const joinTokenParams = z.object({ token: z.string().regex(/^join_[0-9a-z]+$/) })
export const joinRunner = z.strictObject({
  /** A join token, or an administrator's access token. */
  token: z.string().max(500).optional(),
  name: runnerName,
  labels: runnerLabels.default([]),
  /**
   * The runner's future credential, if it generated one itself: joining again with the same one is
   * idempotent, so a lost response does no harm. Absent: one is generated.
   */
  identity: z
    .string()
    .regex(/^narwhal_runner_[0-9A-Za-z]{38}$/, 'must have the form of an identity')
    .optional(),
  /** Whether it is removed when it leaves. */
  ephemeral: z.boolean().default(false),
})
export type JoinRunner = z.input<typeof joinRunner>
/** `identity`: the runner's credential from now on; only its hash is stored. */
export const joinedRunner = z.object({ runner: runnerView, identity: z.string() })
export type JoinedRunner = z.infer<typeof joinedRunner>
export const dispatcherList = z.object({
  dispatchers: z.array(
    z.object({
      id: z.string(),
      /** Absent: not known. */
      url: z.string().optional(),
    }),
  ),
})

export const queueQuery = z.object({ limit: count(200, 1000) })
export const queueList = z.object({
  /** Next one first. */
  jobs: z.array(queuedJobView),
  /** How many wait in all. */
  total: z.number().int().nonnegative(),
  /** Set if no commit can be planned now, so that their jobs are missing here. */
  unplanned: z.object({ reason: z.string(), commits: z.number().int().nonnegative() }).optional(),
})
export type QueueList = z.infer<typeof queueList>

export const role = z.enum(ROLES)
export const newUser = z.strictObject({
  name: z
    .string()
    .regex(
      /^[\p{L}\p{N}][\p{L}\p{N} @._-]{0,63}$/u,
      'must be like ada: letters, digits, space . _ @ -',
    )
    // A name of this form would be taken for an id.
    .refine((name) => !/^user_[0-9a-z]+$/.test(name), 'must not have the form of an id'),
  /** A `viewer` can read, a `member` can also start, rerun and cancel, an `admin` can do everything. */
  role: role.default('member'),
})
export type NewUser = z.input<typeof newUser>
export const userView = z
  .object({ id: z.string(), name: z.string(), role, createdAt: z.number() })
  .meta({ id: 'User' })
export type UserView = z.infer<typeof userView>
export const shownUser = z.object({ user: userView })
export const userList = z.object({ users: z.array(userView) })
/** A user by id or name. */
export const userParams = z.object({ user: z.string().max(100) })
export const changedUser = z.strictObject({ role })
/** An access token, or the code of a link that signs in once. */
export const signIn = z.union([
  z.strictObject({ token: z.string().max(200) }),
  z.strictObject({ code: z.string().max(200) }),
])
export const shownSignInLink = z.object({
  /** To be appended to `/sign-in#code=` of the page's URL. */
  code: z.string(),
  expiresAt: z.number(),
  /** The whole link, if the page's public URL is known. */
  url: z.string().optional(),
})
export type SignInLink = z.infer<typeof shownSignInLink>

export const statusBody = z.object({
  version: z.string(),
  /** The number of the newest state change. */
  seq: z.number().int().nonnegative(),
})
export const accepted = z.object({ ok: z.literal(true) })
