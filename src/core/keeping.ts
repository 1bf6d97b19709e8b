const DAY_MS = 86_400_000

/** How long something is kept: milliseconds, or for ever. */
export type Keep = number | 'forever'

/** `90d`, or `forever`. */
export function keepInWords(keep: Keep): string {
  if (keep === 'forever') return keep
  return keep % DAY_MS === 0 ? `${keep / DAY_MS}d` : `${keep / 3_600_000}h`
}

/** What was removed, when, and by which rule: what a reader is told who asks for it. */
export interface Removal {
  readonly at: number
  /** Such as `keep-pipelines 90d`. */
  readonly rule: string
}

/** `was removed on 2026-11-30 by the rule keep-logs 90d`. */
export function removalInWords({ at, rule }: Removal): string {
  return `removed on ${new Date(at).toISOString().slice(0, 10)} by the rule ${rule}`
}

/** That a pipeline is kept whatever the rules say, and why. */
export interface Hold {
  readonly until: number
  readonly because: string
  readonly at: number
  /** The name of who wants it. */
  readonly by?: string
}

/** What is looked at to decide what of a pipeline may go. */
export interface AgedPipeline {
  readonly id: string
  readonly createdAt: number
  readonly number: number
  /** Absent: it has not ended. */
  readonly finishedAt?: number
  readonly outcome?: string
  readonly ref: string
  /** When its logs went last. */
  readonly logsRemovedAt?: number
}

export interface KeepRules {
  readonly logs: Keep
  readonly pipelines: Keep
}

/**
 * Says of the pipelines of one repository, newest first, what may go. The newest success of each branch
 * stays whole, however old it is: it is what people look for. So does what is `held`. Keep one of these for
 * one look at all.
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
