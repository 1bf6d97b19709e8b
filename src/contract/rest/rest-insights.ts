import { z } from 'zod'
import { ROLES } from '../../core/access/role.ts'
import { count } from './rest.ts'
import { repositoryView } from './rest-repositories.ts'
import {
  at,
  attemptView,
  jobId,
  outcomeSchema,
  pipelineId,
  pipelineView,
  runnerId,
} from './views.ts'

/** Views over many pipelines, for statistics. */

/** The summary of a pipeline. */
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
  /** How many of the newest pipelines of each repository. */
  runs: count(24, 100),
})
export const activityList = z.object({
  /** By name. */
  repositories: z.array(z.object({ repository: repositoryView, runs: z.array(runView) })),
})
export type Activity = z.infer<typeof activityList>['repositories'][number]

/** A placement decision, and its result. */
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
/** Newest first. */
export const placementList = z.object({ placements: z.array(placementView) })

export const trendQuery = z.object({
  /** How many of the newest finished pipelines. */
  pipelines: count(60, 200),
})
/** The last attempt of one job of one pipeline. */
export const trendJob = z.object({
  name: z.string(),
  outcome: outcomeSchema.optional(),
  /** From when it could run to when a runner was chosen. */
  queueMs: z.number().nonnegative().optional(),
  durationMs: z.number().nonnegative().optional(),
  steps: z.array(z.object({ name: z.string(), durationMs: z.number().nonnegative() })),
})
export const trendList = z.object({
  /** Oldest first. */
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

/** What a pipeline ran, as narwhal.yml in its full form. */
export const usedConfig = z.object({ yaml: z.string() })

/** The current user; without a name where no token is needed. */
export const sessionBody = z.object({
  name: z.string().optional(),
  role: z.enum(ROLES),
  /** Whether this is a browser session, which can sign out. */
  canLeave: z.boolean(),
})
export type SessionBody = z.infer<typeof sessionBody>

export const testDeliveryRequest = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).max(2048),
})
export const testedDelivery = z.object({
  ok: z.boolean(),
  /** The response, or why there is none. */
  words: z.string(),
})
export type TestedDelivery = z.infer<typeof testedDelivery>
