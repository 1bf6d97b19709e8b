import type { JobId } from '../core/ids.ts'
import type { JobIdTokens, WithheldTokens } from './id-tokens/job-id-tokens.ts'
import type { JobSecrets, SecretValues } from './job-secrets.ts'

/** What a job is given that is not in its plan. */
export interface GivenToJob {
  readonly secrets?: SecretValues
  readonly withheld?: WithheldTokens
}

export interface Givers {
  readonly secrets: JobSecrets
  readonly idTokens: JobIdTokens
}

/** For a job that waits; undefined when it can't have what it must have, and has ended. */
export async function giveToJob(
  { secrets, idTokens }: Givers,
  id: JobId,
): Promise<GivenToJob | undefined> {
  const values = await secrets.give(id)
  const withheld = values && (await idTokens.admit(id))
  return withheld && { secrets: values, withheld }
}
