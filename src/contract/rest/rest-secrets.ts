import { z } from 'zod'
import { accepted, repositoryParams } from './rest.ts'
import { at, jobId } from './views.ts'

/** Secrets can be set, listed and removed; their values are never returned. */

export const secretView = z
  .object({
    name: z.string(),
    /** Which jobs may have it. */
    scope: z.enum(['repository', 'all']),
    createdAt: z.number(),
    updatedAt: z.number(),
    /** The user who set it, if known. */
    updatedBy: z.string().optional(),
    /** No job gets it from then on. */
    expiresAt: at.optional(),
    /** That it expires soon, or has expired. */
    warning: z.string().optional(),
    /** The runners that may have it, by name or by `label:` and a label; absent: all. */
    runners: z.array(z.string()).optional(),
    /** Shown in logs. */
    isNotMasked: z.literal(true).optional(),
  })
  .meta({ id: 'Secret' })
export type SecretView = z.infer<typeof secretView>
export const secretList = z.object({ secrets: z.array(secretView) })

export const secretParams = z.object({ secret: z.string().max(200) })
export const repositorySecretParams = repositoryParams.extend(secretParams.shape)
/** A generous limit in characters: longer values get a better error message elsewhere. */
export const newSecret = z.strictObject({
  value: z.string().max(100_000),
  expiresAt: at.optional(),
  /** As in the view, or just `all`; absent: unchanged. */
  runners: z.array(z.string().min(1).max(200)).min(1).max(50).optional(),
  isNotMasked: z.literal(true).optional(),
})
export type NewSecretBody = z.infer<typeof newSecret>
export const setSecretAnswer = accepted.extend({
  /** Possible problems, without the value. */
  warnings: z.array(z.string()),
})

/** Which jobs of a pipeline would get a secret, and why others would not. */
export const explainedSecret = z.object({
  /** Absent: there is no secret of this name for its jobs. */
  secret: secretView.optional(),
  /** If there is none: one with a similar name. */
  near: z.string().optional(),
  jobs: z.array(
    z.object({
      jobId,
      name: z.string(),
      /** The variables that would have it; empty if the job doesn't name it. */
      variables: z.array(z.string()),
      /** Absent: the job gets it. */
      refusedBecause: z.string().optional(),
    }),
  ),
})
export type ExplainedSecret = z.infer<typeof explainedSecret>
