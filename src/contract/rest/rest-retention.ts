import { z } from 'zod'

const keep = z.union([z.literal('forever'), z.number().int().positive()])
/** `default`: the global rule. In whole days, so that a wrong unit can't delete anything. */
const chosenKeep = z
  .string()
  .regex(/^(?:default|forever|[1-9]\d{0,5}d)$/, 'must be days like 90d, forever, or default')

export const keepRules = z.strictObject({ logs: chosenKeep, pipelines: chosenKeep })
export type ChosenRules = z.infer<typeof keepRules>

const removed = z.object({
  pipelines: z.number(),
  /** Pipelines whose logs were removed. */
  logs: z.number(),
  /** Bytes of logs, as stored. */
  bytes: z.number(),
  repositories: z.number(),
  /** What couldn't be removed, to be retried in the next round. */
  failed: z.number(),
})

export const retentionState = z
  .object({
    /** Milliseconds, or `forever`. */
    rules: z.object({ logs: keep, pipelines: keep }),
    /** Nothing is removed before this time; absent: it has passed. */
    beginsAt: z.number().optional(),
    /** Repositories with their own rules. */
    repositories: z.array(
      z.object({ name: z.string(), logs: keep.optional(), pipelines: keep.optional() }),
    ),
    /** By this process. */
    lastRound: removed.extend({ startedAt: z.number(), endedAt: z.number() }).optional(),
    total: removed,
    /** The longest step so far; milliseconds. */
    longestStepMs: z.number(),
    database: z
      .object({
        usedBytes: z.number(),
        freeInsideBytes: z.number(),
        freeOutsideBytes: z.number().optional(),
        /** Deleted rows that PostgreSQL has not vacuumed yet. */
        deadRows: z.number().optional(),
        /** Why no new job starts. */
        shortage: z.string().optional(),
      })
      .optional(),
  })
  .meta({ id: 'Retention' })
export type RetentionState = z.infer<typeof retentionState>

export const retentionPreview = z
  .object({
    repositories: z.array(
      z.object({
        name: z.string(),
        /** Pipelines that would be removed, and others whose logs would. */
        pipelines: z.number(),
        logs: z.number(),
        bytes: z.number(),
        /** When the oldest of them was created. */
        oldestAt: z.number().optional(),
      }),
    ),
  })
  .meta({ id: 'RetentionPreview' })
export type RetentionPreview = z.infer<typeof retentionPreview>

/** Exempts a pipeline from retention. */
export const newHold = z.strictObject({
  until: z.number().int().positive(),
  because: z.string().trim().min(1).max(300),
})
