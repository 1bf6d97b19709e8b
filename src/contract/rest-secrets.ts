import { z } from 'zod'
import { repositoryParams } from './rest.ts'

/** Secrets can be set, listed and removed; their values come back to nobody. */

export const secretView = z
  .object({
    name: z.string(),
    /** Whose jobs may have it. */
    scope: z.enum(['repository', 'all']),
    createdAt: z.number(),
    updatedAt: z.number(),
    /** The user who has set it, where that is known. */
    updatedBy: z.string().optional(),
  })
  .meta({ id: 'Secret' })
export type SecretView = z.infer<typeof secretView>
export const secretList = z.object({ secrets: z.array(secretView) })

export const secretParams = z.object({ secret: z.string().max(200) })
export const repositorySecretParams = repositoryParams.extend(secretParams.shape)
/** The limit is in characters and generous: what is said of a longer value is said by name. */
export const newSecret = z.strictObject({ value: z.string().max(100_000) })
