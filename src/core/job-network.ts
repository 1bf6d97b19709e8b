export const JOB_NETWORK_KINDS = ['rules', 'user', 'host', 'none'] as const
export type JobNetworkKind = (typeof JOB_NETWORK_KINDS)[number]

/** Network access of a runner's jobs. */
export interface JobNetworkRules {
  /**
   * `rules`: the internet, and whatever else the machine's rules allow; `user`: what an ordinary user can
   * reach, except the machine's loopback; `host`: what the machine can reach; `none`: nothing.
   */
  readonly kind: JobNetworkKind
  /** Whether private networks are blocked for all jobs, not only strangers'. */
  readonly deniesPrivate: boolean
  /** Exceptions, `host:port`: private addresses that all jobs may reach. */
  readonly holes: readonly string[]
  /** Public ranges to treat as private. */
  readonly alsoPrivate: readonly string[]
}

const MOST_NAMED = 50
const LONGEST_NAME = 260

/** Bounded in number and length: runners are not trusted. Undefined: not reported. */
export function soundNetwork(
  reported: (Omit<JobNetworkRules, 'kind'> & { readonly kind: string }) | undefined,
): JobNetworkRules | undefined {
  const kind = JOB_NETWORK_KINDS.find((one) => one === reported?.kind)
  if (!reported || !kind) return undefined
  const cut = (names: readonly string[]): string[] =>
    names.slice(0, MOST_NAMED).map((name) => name.slice(0, LONGEST_NAME).toWellFormed())
  return {
    kind,
    deniesPrivate: reported.deniesPrivate,
    holes: cut(reported.holes),
    alsoPrivate: cut(reported.alsoPrivate),
  }
}
