export interface SecretRules {
  /** No job gets it from then on; absent: it does not expire. */
  readonly expiresAt?: number | undefined
  /**
   * The runners that may have it, by id or by `label:` and a label that the server grants; absent: all. What
   * a runner claims doesn't count.
   */
  readonly runners?: readonly string[] | undefined
  /** Shown in logs: it is merely a name or a setting. */
  readonly isNotMasked?: true | undefined
}

/** How long before it expires a secret is warned about. */
export const SECRET_WARNING_MS = 14 * 86_400_000

/** A secret restricted to some runners. */
export interface KeptSecret {
  readonly name: string
  readonly runners: readonly string[]
}

const LABEL = 'label:'

export function grantOfLabel(label: string): string {
  return `${LABEL}${label}`
}

/** The label of such a grant; undefined if it is a runner's id. */
export function labelOfGrant(grant: string): string | undefined {
  return grant.startsWith(LABEL) ? grant.slice(LABEL.length) : undefined
}

export function secretWithheld(
  secrets: readonly KeptSecret[] | undefined,
  grants: readonly string[] = [],
): KeptSecret | undefined {
  return secrets?.find(({ runners }) => !runners.some((one) => grants.includes(one)))
}

export type SecretTime =
  | { readonly status: 'good' }
  | { readonly status: 'ends soon' | 'over'; readonly words: string }

/** Whether a secret has expired or will soon, and how to say it. */
export function secretTime(expiresAt: number | undefined, now: number): SecretTime {
  if (expiresAt === undefined || now < expiresAt - SECRET_WARNING_MS) return { status: 'good' }
  const on = new Date(expiresAt).toISOString().replace(/:\d\d\.\d+Z$/, 'Z')
  if (now >= expiresAt) return { status: 'over', words: `expired on ${on}` }
  return { status: 'ends soon', words: `expires on ${on}` }
}
