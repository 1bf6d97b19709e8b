import { machineLine } from '../../bench/support/machine.ts'
import type { Report, Spread } from './judge.ts'

/** How many cases of broken promises are told one by one. */
const MOST_BREACHES = 40

/** The report for people. */
export function reportText(report: Report): string {
  const { webhooks, acked } = report
  const bound = acked > 0 ? (3 / acked).toPrecision(1) : 'unknown'
  return [
    `seed ${report.seed}, ${report.seconds} s of faults`,
    machineLine([]),
    `faults: ${pairs(report.faults)}; kills: ${report.kills}`,
    `webhooks: ${webhooks.sent} sent, ${acked} acked, ${webhooks.refused} refused, ${webhooks.unknown} without an answer, for ${report.commits} commits`,
    `LOST ${report.lost} (95 % bound ${bound}), DUPLICATED ${report.duplicated}`,
    `jobs: ${report.jobs}, attempts: ${report.attempts}, requeued: ${report.attempts - report.jobs}`,
    `without one terminal status: ${report.attempts_without_one_terminal_status}, gaps in numbers: ${report.attempt_number_gaps}, fences that do not grow: ${report.fence_errors}, illegal transitions: ${report.illegal_transitions}`,
    `overlap: ${report.overlaps}, longest ${report.overlap_ms} ms, ran twice: ${report.ran_twice} of ${report.step_runs} step runs; stale writes refused: ${report.stale_writes_refused}`,
    `logs: ${report.log_lines} lines, holes UNMARKED ${report.unmarked_log_holes}, marked ${report.marked_log_holes}, repeated ${report.repeated_lines}, foreign ${report.foreign_lines}`,
    `cancels: ${report.cancels}, answered ${times(report.cancel_ack)}, stopped ${times(report.cancel_stop)}, REVIVALS ${report.revivals}`,
    `stuck: ${report.stuck}, wrong outcomes: ${report.wrong_outcomes}, left behind: ${report.leftovers}, ended by themselves: ${report.crashes}, starts given up: ${report.failed_starts}`,
    'recovery:',
    ...Object.entries(report.recovery).map(([kind, all]) => `  ${kind.padEnd(20)} ${times(all)}`),
    `most memory, in MiB: ${pairs(report.rss_max)}`,
    ...breachLines(report),
  ].join('\n')
}

function breachLines({ breaches }: Report): string[] {
  if (breaches.length === 0) return ['every promise was kept']
  const shown = breaches.slice(0, MOST_BREACHES)
  const rest = breaches.length - shown.length
  return [
    `BROKEN ${breaches.length} times:`,
    ...shown.map(({ promise, what }) => `  ${promise}: ${what}`),
    ...(rest > 0 ? [`  and ${rest} more`] : []),
  ]
}

function times(all: Spread | null): string {
  if (!all) return 'never'
  return `p50 ${all.p50} s, p99 ${all.p99} s, max ${all.max} s (${all.count})`
}

function pairs(counts: Readonly<Record<string, number>>): string {
  const all = Object.entries(counts).map(([name, count]) => `${name} ${count}`)
  return all.length > 0 ? all.join(', ') : 'none'
}
