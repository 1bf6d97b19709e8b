/** How the jobs of a runner are connected. */
export const JOB_NETWORK_KINDS = ['rules', 'user', 'host', 'none'] as const
export type JobNetworkKind = (typeof JOB_NETWORK_KINDS)[number]

/** What a runner lets its jobs reach. */
export interface JobNetworkRules {
  /**
   * `rules`: the internet, and what else the rules of its machine leave open; `user`: what an ordinary user reaches but for
   * the machine's loopback; `host`: what the machine reaches; `none`: nothing.
   */
  readonly kind: JobNetworkKind
  /** Whether private networks are closed to all jobs, and not only to strangers'. */
  readonly deniesPrivate: boolean
  /** `host:port`: what all jobs reach though it is private. */
  readonly holes: readonly string[]
  /** Ranges that are private there though their addresses are public. */
  readonly alsoPrivate: readonly string[]
}

const MOST_NAMED = 50
const LONGEST_NAME = 260

/** As many and as long as a page shows; a runner may tell anything. Undefined: it has not told. */
export function soundNetwork(
  told: (Omit<JobNetworkRules, 'kind'> & { readonly kind: string }) | undefined,
): JobNetworkRules | undefined {
  const kind = JOB_NETWORK_KINDS.find((one) => one === told?.kind)
  if (!told || !kind) return undefined
  const cut = (names: readonly string[]): string[] =>
    names.slice(0, MOST_NAMED).map((name) => name.slice(0, LONGEST_NAME).toWellFormed())
  return {
    kind,
    deniesPrivate: told.deniesPrivate,
    holes: cut(told.holes),
    alsoPrivate: cut(told.alsoPrivate),
  }
}
