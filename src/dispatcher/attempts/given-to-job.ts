import type { JobId } from '../../core/ids.ts'
import type { KeptSecret } from '../../core/secret/secret-rules.ts'
import type { JobIdTokens, WithheldTokens } from '../id-tokens/job-id-tokens.ts'
import type { JobSecrets, SecretValues } from '../ledger/job-secrets.ts'

/** What a job is given that is not in its plan. */
export interface GivenToJob {
  readonly secrets?: SecretValues
  /** The secrets among them that not every runner may have. */
  readonly kept?: readonly KeptSecret[]
  /** The variables of those that logs show. */
  readonly notMasked?: readonly string[]
  /** What its log is to say of them. */
  readonly notes?: readonly string[]
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
  const given = await secrets.give(id)
  const withheld = given && (await idTokens.admit(id))
  if (!given || !withheld) return undefined
  const { values, ...rules } = given
  return { secrets: values, withheld, ...rules }
}
