import { quantile } from '../../bench/support/statistics.ts'
import type { Breach } from './check/breach.ts'
import { checkAttempts } from './check/check-attempts.ts'
import { checkCancels } from './check/check-cancels.ts'
import { checkDeliveries } from './check/check-deliveries.ts'
import { checkEnds } from './check/check-ends.ts'
import { checkLogs } from './check/check-logs.ts'
import { checkOverlap } from './check/check-overlap.ts'
import { checkTransitions } from './check/check-transitions.ts'
import { measureRecovery } from './check/measure-recovery.ts'
import type { Evidence } from './evidence.ts'
import { ROLES } from './kinds.ts'

/** Times in seconds. */
export interface Spread {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** The figures of a run; the last line of its output, in JSON. */
export interface Report {
  readonly seed: number
  readonly seconds: number
  readonly faults: Readonly<Record<string, number>>
  /** Processes of Narwhal that were killed, and servers that were. */
  readonly kills: number
  readonly commits: number
  readonly webhooks: { readonly sent: number; readonly refused: number; readonly unknown: number }
  readonly acked: number
  readonly lost: number
  readonly duplicated: number
  readonly jobs: number
  readonly attempts: number
  readonly attempts_without_one_terminal_status: number
  readonly attempt_number_gaps: number
  readonly fence_errors: number
  readonly illegal_transitions: number
  readonly step_runs: number
  readonly overlaps: number
  readonly overlap_ms: number
  readonly ran_twice: number
  readonly stale_writes_refused: number
  readonly log_lines: number
  readonly unmarked_log_holes: number
  readonly marked_log_holes: number
  readonly repeated_lines: number
  readonly foreign_lines: number
  readonly cancels: number
  readonly cancel_ack: Spread | null
  readonly cancel_stop: Spread | null
  readonly revivals: number
  readonly stuck: number
  readonly wrong_outcomes: number
  readonly crashes: number
  readonly failed_starts: number
  readonly leftovers: number
  readonly recovery: Readonly<Record<string, Spread>>
  /** In MiB, by role. */
  readonly rss_max: Readonly<Record<string, number>>
  readonly breaches: readonly Breach[]
}

/** Holds the evidence against every promise. */
export function judge(evidence: Evidence, run: { seed: number; durationMs: number }): Report {
  const deliveries = checkDeliveries(evidence)
  const attempts = checkAttempts(evidence)
  const transitions = checkTransitions(evidence)
  const overlap = checkOverlap(evidence)
  const logs = checkLogs(evidence)
  const ends = checkEnds(evidence)
  const cancels = checkCancels(evidence)
  const checks = [deliveries, attempts, transitions, overlap, logs, ends, cancels]
  const { sent, refused, unknown, acked, lost, duplicated } = deliveries.figures
  return {
    seed: run.seed,
    seconds: Math.round(run.durationMs / 1000),
    faults: countBy(evidence.faults.map(({ kind }) => kind)),
    kills: countKills(evidence),
    commits: evidence.commits.length,
    webhooks: { sent, refused, unknown },
    acked,
    lost,
    duplicated,
    jobs: attempts.figures.jobs,
    attempts: attempts.figures.attempts,
    attempts_without_one_terminal_status: attempts.figures.withoutOneTerminalStatus,
    attempt_number_gaps: attempts.figures.numberGaps,
    fence_errors: attempts.figures.fenceErrors,
    illegal_transitions: transitions.figures.illegal,
    step_runs: overlap.figures.runs,
    overlaps: overlap.figures.overlaps,
    overlap_ms: overlap.figures.longestOverlapMs,
    ran_twice: overlap.figures.ranTwice,
    stale_writes_refused: evidence.staleWrites,
    log_lines: logs.figures.lines,
    unmarked_log_holes: logs.figures.unmarkedHoles,
    marked_log_holes: logs.figures.markedHoles,
    repeated_lines: logs.figures.repeated,
    foreign_lines: logs.figures.foreign,
    cancels: cancels.figures.acked,
    cancel_ack: spread(cancels.figures.ackMs),
    cancel_stop: spread(cancels.figures.stopMs),
    revivals: transitions.figures.revivals + cancels.figures.revivals,
    stuck: ends.figures.stuck,
    wrong_outcomes: ends.figures.wrongOutcomes,
    crashes: ends.figures.crashes,
    failed_starts: ends.figures.failedStarts,
    leftovers: evidence.leftovers.length,
    recovery: Object.fromEntries(
      [...measureRecovery(evidence)].map(([kind, times]) => [kind, spread(times)]),
    ) as Record<string, Spread>,
    rss_max: mostMemory(evidence),
    breaches: checks.flatMap((check) => check.breaches),
  }
}

function countKills({ lives, faults }: Evidence): number {
  const servers = ['wipe-broker', 'restart-broker', 'restart-database', 'crash-database']
  const processes = lives.filter(({ end }) => end === 'killed').length
  return processes + faults.filter(({ kind }) => servers.includes(kind)).length
}

function mostMemory({ samples }: Evidence): Record<string, number> {
  return Object.fromEntries(
    ROLES.map((role) => {
      const own = samples.filter((sample) => sample.role === role)
      const most = own.reduce((max, { rssBytes }) => Math.max(max, rssBytes), 0)
      return [role, Math.round(most / 2 ** 20)]
    }),
  )
}

function spread(timesMs: readonly number[]): Spread | null {
  if (timesMs.length === 0) return null
  const seconds = (share: number) => Math.round(quantile(timesMs, share) / 10) / 100
  return { count: timesMs.length, p50: seconds(0.5), p99: seconds(0.99), max: seconds(1) }
}

function countBy(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words.toSorted()) counts[word] = (counts[word] ?? 0) + 1
  return counts
}
