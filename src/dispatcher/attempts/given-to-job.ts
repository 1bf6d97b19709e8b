import type { JobId } from '../../core/ids.ts'
import type { KeptSecret } from '../../core/secret/secret-rules.ts'
import type { JobIdTokens, WithheldTokens } from '../id-tokens/job-id-tokens.ts'
import type { JobSecrets, SecretValues } from '../ledger/job-secrets.ts'

/** What a job gets beyond its plan. */
export interface GivenToJob {
  readonly secrets?: SecretValues
  /** Those of the secrets that are restricted to some runners. */
  readonly kept?: readonly KeptSecret[]
  /** The variables whose values logs may show. */
  readonly notMasked?: readonly string[]
  /** Lines about the secrets for its log. */
  readonly notes?: readonly string[]
  readonly withheld?: WithheldTokens
}

export interface Givers {
  readonly secrets: JobSecrets
  readonly idTokens: JobIdTokens
}

/** For a waiting job; undefined: it can't have what it needs, and has been ended. */
export async function giveToJob(
  { secrets, idTokens }: Givers,
  id: JobId,
): Promise<GivenToJob | undefined> {
  const given = await secrets.give(id)
  const withheld = given && (await idTokens.admit(id))
  if (!given || !withheld) return undefined
  const { values, ...rules } = given
  return { secrets: values, withheld, ...rules }
}
