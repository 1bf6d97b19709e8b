import { z } from 'zod'
import { ROLES } from '../../core/access/role.ts'
import { count } from './rest.ts'
import {
  attemptView,
  jobId,
  outcomeSchema,
  pipelineId,
  pipelineView,
  repositoryView,
  runnerId,
} from './views.ts'

/** What looks back over many pipelines, for the pages that show how things go. */

const at = z.number().int().nonnegative()

/** One pipeline as a bar. */
export const runView = z
  .object({
    id: pipelineId,
    number: z.number().int().positive(),
    status: pipelineView.shape.status,
    outcome: outcomeSchema.optional(),
    createdAt: at,
    startedAt: at.optional(),
    finishedAt: at.optional(),
  })
  .meta({ id: 'Run' })
export type RunView = z.infer<typeof runView>

export const activityQuery = z.object({
  /** So many of the newest pipelines of each repository. */
  runs: count(24, 100),
})
export const activityList = z.object({
  /** By name. */
  repositories: z.array(z.object({ repository: repositoryView, runs: z.array(runView) })),
})
export type Activity = z.infer<typeof activityList>['repositories'][number]

/** An attempt with what it belongs to: the decision that placed it, and what came of it. */
export const placementView = z
  .object({
    jobId,
    pipelineId,
    repositoryName: z.string(),
    jobName: z.string(),
    attempt: z.number().int().positive(),
    runnerId,
    runnerName: z.string(),
    heuristic: attemptView.shape.decision.shape.heuristic,
    reason: z.string(),
    assignedAt: at,
    finishedAt: at.optional(),
    outcome: outcomeSchema.optional(),
  })
  .meta({ id: 'Placement' })
export type PlacementView = z.infer<typeof placementView>

export const placementQuery = z.object({ limit: count(500, 2000) })
/** The newest first. */
export const placementList = z.object({ placements: z.array(placementView) })

export const trendQuery = z.object({
  /** So many of the newest pipelines that have ended. */
  pipelines: count(60, 200),
})
/** One job of one pipeline: its last attempt. */
export const trendJob = z.object({
  name: z.string(),
  outcome: outcomeSchema.optional(),
  /** From the moment it could run to the moment a runner was chosen. */
  queueMs: z.number().nonnegative().optional(),
  /** From there to its end. */
  durationMs: z.number().nonnegative().optional(),
  steps: z.array(z.object({ name: z.string(), durationMs: z.number().nonnegative() })),
})
export const trendList = z.object({
  /** The oldest first. */
  points: z.array(
    z.object({
      id: pipelineId,
      number: z.number().int().positive(),
      createdAt: at,
      outcome: outcomeSchema,
      durationMs: z.number().nonnegative(),
      jobs: z.array(trendJob),
    }),
  ),
})
export type TrendPoint = z.infer<typeof trendList>['points'][number]

/** What a pipeline ran, as it was understood: narwhal.yml in its full form. */
export const usedConfig = z.object({ yaml: z.string() })

/** Who asks: the user whose token it is; without a name where nobody needs a token. */
export const sessionBody = z.object({
  name: z.string().optional(),
  role: z.enum(ROLES),
  /** Whether a browser has signed in, and can sign out. */
  canLeave: z.boolean(),
})
export type SessionBody = z.infer<typeof sessionBody>

/** Where a forge would send its webhooks. */
export const testDeliveryRequest = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).max(2048),
})
export const testedDelivery = z.object({
  ok: z.boolean(),
  /** What came back, or why nothing did. */
  words: z.string(),
})
export type TestedDelivery = z.infer<typeof testedDelivery>
