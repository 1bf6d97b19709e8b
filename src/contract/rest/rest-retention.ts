import { z } from 'zod'

const keep = z.union([z.literal('forever'), z.number().int().positive()])
/** `default`: as for all. Whole days, so that nothing goes by a slip of a unit. */
const chosenKeep = z
  .string()
  .regex(/^(?:default|forever|[1-9]\d{0,5}d)$/, 'must be days like 90d, forever, or default')

export const keepRules = z.strictObject({ logs: chosenKeep, pipelines: chosenKeep })
export type ChosenRules = z.infer<typeof keepRules>

const removed = z.object({
  pipelines: z.number(),
  /** Pipelines whose logs went. */
  logs: z.number(),
  /** Bytes of logs, as they were stored. */
  bytes: z.number(),
  repositories: z.number(),
  /** What could not be removed, and stays until the next round. */
  failed: z.number(),
})

export const retentionState = z
  .object({
    /** Milliseconds, or `forever`. */
    rules: z.object({ logs: keep, pipelines: keep }),
    /** Before this moment nothing goes; absent: it is over. */
    beginsAt: z.number().optional(),
    /** Those with rules of their own. */
    repositories: z.array(
      z.object({ name: z.string(), logs: keep.optional(), pipelines: keep.optional() }),
    ),
    /** Of this process. */
    lastRound: removed.extend({ startedAt: z.number(), endedAt: z.number() }).optional(),
    total: removed,
    /** The longest that one step has taken; milliseconds. */
    longestStepMs: z.number(),
    database: z
      .object({
        usedBytes: z.number(),
        freeInsideBytes: z.number(),
        freeOutsideBytes: z.number().optional(),
        /** Rows that were removed and take room until PostgreSQL cleans up. */
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
        /** Pipelines that would go, and others whose logs would. */
        pipelines: z.number(),
        logs: z.number(),
        bytes: z.number(),
        /** When the oldest of them was made. */
        oldestAt: z.number().optional(),
      }),
    ),
  })
  .meta({ id: 'RetentionPreview' })
export type RetentionPreview = z.infer<typeof retentionPreview>

/** Why a pipeline is kept, and until when. */
export const newHold = z.strictObject({
  until: z.number().int().positive(),
  because: z.string().trim().min(1).max(300),
})
