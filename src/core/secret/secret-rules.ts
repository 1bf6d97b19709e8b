/** What holds for a secret besides its value. */
export interface SecretRules {
  /** From then on no job gets it; absent: it has no end. */
  readonly expiresAt?: number | undefined
  /**
   * Which runners may have it, each by its id or by `label:` and a label that the server grants; absent: all. What
   * a runner says of itself counts for nothing.
   */
  readonly runners?: readonly string[] | undefined
  /** Logs show it: it is no more than a name or a setting. */
  readonly isNotMasked?: true | undefined
}

/** So long before its end a secret is warned of. */
export const SECRET_WARNING_MS = 14 * 86_400_000

/** A secret that not every runner may have. */
export interface KeptSecret {
  readonly name: string
  readonly runners: readonly string[]
}

const LABEL = 'label:'

export function grantOfLabel(label: string): string {
  return `${LABEL}${label}`
}

/** The label of such a grant; undefined where it is a runner's id. */
export function labelOfGrant(grant: string): string | undefined {
  return grant.startsWith(LABEL) ? grant.slice(LABEL.length) : undefined
}

/** The first of these secrets that a runner with these grants may not have. */
export function secretWithheld(
  secrets: readonly KeptSecret[] | undefined,
  grants: readonly string[] = [],
): KeptSecret | undefined {
  return secrets?.find(({ runners }) => !runners.some((one) => grants.includes(one)))
}

export type SecretTime =
  | { readonly status: 'good' }
  | { readonly status: 'ends soon' | 'over'; readonly words: string }

/** Whether a secret may still be given, and what to say of its end. */
export function secretTime(expiresAt: number | undefined, now: number): SecretTime {
  if (expiresAt === undefined || now < expiresAt - SECRET_WARNING_MS) return { status: 'good' }
  const on = new Date(expiresAt).toISOString().replace(/:\d\d\.\d+Z$/, 'Z')
  if (now >= expiresAt) return { status: 'over', words: `ended on ${on}` }
  return { status: 'ends soon', words: `ends on ${on}` }
}
