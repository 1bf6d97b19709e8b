const DAY_MS = 86_400_000

/** How long something is kept: milliseconds, or forever. */
export type Keep = number | 'forever'

/** `90d`, or `forever`. */
export function keepInWords(keep: Keep): string {
  if (keep === 'forever') return keep
  return keep % DAY_MS === 0 ? `${keep / DAY_MS}d` : `${keep / 3_600_000}h`
}

/** When and by which rule something was removed; shown in answers about it. */
export interface Removal {
  readonly at: number
  /** Such as `keep-pipelines 90d`. */
  readonly rule: string
}

/** `removed on 2026-11-30 by the rule keep-logs 90d`. */
export function removalInWords({ at, rule }: Removal): string {
  return `removed on ${new Date(at).toISOString().slice(0, 10)} by the rule ${rule}`
}

/** Exempts a pipeline from the rules. */
export interface Hold {
  readonly until: number
  readonly because: string
  readonly at: number
  /** The user's name. */
  readonly by?: string
}

/** What decides whether a pipeline or its logs may be removed. */
export interface AgedPipeline {
  readonly id: string
  readonly createdAt: number
  readonly number: number
  /** Absent: it hasn't finished. */
  readonly finishedAt?: number
  readonly outcome?: string
  readonly ref: string
  /** When its logs were last removed. */
  readonly logsRemovedAt?: number
}

export interface KeepRules {
  readonly logs: Keep
  readonly pipelines: Keep
}

/**
 * Decides what of a repository's pipelines may be removed; call it for each, newest first, with a new sieve
 * for each pass. The newest success of each branch is kept whole, however old: it is what people look for. So
 * is what is `held`.
 */
export function newSieve(
  rules: KeepRules,
  now: number,
  held: ReadonlySet<string> = new Set(),
): (pipeline: AgedPipeline) => 'pipeline' | 'logs' | 'nothing' {
  const branches = new Set<string>()
  return ({ id, finishedAt, outcome, ref, logsRemovedAt }) => {
    const isSuccess = outcome === 'success' && ref.startsWith('refs/heads/')
    if (isSuccess && !branches.has(ref)) {
      branches.add(ref)
      return 'nothing'
    }
    if (finishedAt === undefined || held.has(id)) return 'nothing'
    const isOver = (keep: Keep): boolean => keep !== 'forever' && finishedAt < now - keep
    if (isOver(rules.pipelines)) return 'pipeline'
    const isGone = logsRemovedAt !== undefined && logsRemovedAt > finishedAt
    return isOver(rules.logs) && !isGone ? 'logs' : 'nothing'
  }
}
