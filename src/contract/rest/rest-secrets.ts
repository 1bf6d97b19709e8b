import { z } from 'zod'
import { accepted, repositoryParams } from './rest.ts'
import { jobId } from './views.ts'

/** Secrets can be set, listed and removed; their values come back to nobody. */

const at = z.number().int().nonnegative()

export const secretView = z
  .object({
    name: z.string(),
    /** Whose jobs may have it. */
    scope: z.enum(['repository', 'all']),
    createdAt: z.number(),
    updatedAt: z.number(),
    /** The user who has set it, where that is known. */
    updatedBy: z.string().optional(),
    /** From then on no job gets it. */
    expiresAt: at.optional(),
    /** That it ends soon, or has ended. */
    warning: z.string().optional(),
    /** Which runners may have it, each by its name, or by `label:` and a label; absent: all. */
    runners: z.array(z.string()).optional(),
    /** Logs show it. */
    isNotMasked: z.literal(true).optional(),
  })
  .meta({ id: 'Secret' })
export type SecretView = z.infer<typeof secretView>
export const secretList = z.object({ secrets: z.array(secretView) })

export const secretParams = z.object({ secret: z.string().max(200) })
export const repositorySecretParams = repositoryParams.extend(secretParams.shape)
/** The limit is in characters and generous: what is said of a longer value is said by name. */
export const newSecret = z.strictObject({
  value: z.string().max(100_000),
  expiresAt: at.optional(),
  /** As in the view, or `all` alone; absent: those that might have it before. */
  runners: z.array(z.string().min(1).max(200)).min(1).max(50).optional(),
  isNotMasked: z.literal(true).optional(),
})
export type NewSecretBody = z.infer<typeof newSecret>
export const setSecretAnswer = accepted.extend({
  /** What may be wrong with it, without the value. */
  warnings: z.array(z.string()),
})

/** Which jobs of a pipeline would get a secret, and why others would not. */
export const explainedSecret = z.object({
  /** Absent: there is none of this name that its jobs could have. */
  secret: secretView.optional(),
  /** Where there is none: one whose name is nearly the same. */
  near: z.string().optional(),
  jobs: z.array(
    z.object({
      jobId,
      name: z.string(),
      /** Those that would have it; empty where the job does not name it. */
      variables: z.array(z.string()),
      /** Why it does not get it; absent: it gets it. */
      refusedBecause: z.string().optional(),
    }),
  ),
})
export type ExplainedSecret = z.infer<typeof explainedSecret>
