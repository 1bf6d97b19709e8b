import { type Spread, spreadOf } from '../support/statistics.ts'
import { formatTable, type TableColumn } from '../support/table.ts'

export const COMMAND = 'echo hello'
/** Steps of the larger job; the other has one. */
export const MANY = 21

/** Milliseconds, round by round. */
export interface StepsTimes {
  /** From the webhook to green, with one step. */
  readonly one: readonly number[]
  /** With MANY. */
  readonly many: readonly number[]
  /** The command by `/bin/sh -e` in a bare container, once. */
  readonly command: readonly number[]
}

const COLUMNS: readonly TableColumn[] = [
  { title: 'milliseconds', holds: 'words' },
  { title: 'p50', holds: 'figures' },
  { title: 'p25–p75', holds: 'figures' },
]

/** What each further step costs over the command itself, round by round. */
function perStep({ one, many, command }: StepsTimes): Spread {
  const bare = spreadOf(command).p50
  return spreadOf(many.map((all, round) => (all - (one[round] ?? 0)) / (MANY - 1) - bare))
}

/** For people. */
export function stepsTable(times: StepsTimes): string[] {
  return formatTable(COLUMNS, [
    row('a job of 1 step, webhook → success', spreadOf(times.one)),
    row(`a job of ${MANY} steps`, spreadOf(times.many)),
    row(`\`${COMMAND}\` by /bin/sh -e, bare`, spreadOf(times.command)),
    row('one more step, over that', perStep(times)),
  ])
}

/** For the last line. */
export function stepsFigures(times: StepsTimes): object {
  const { p25, p50, p75 } = perStep(times)
  return {
    per_step_ms: hundredths(p50),
    per_step_p25_ms: hundredths(p25),
    per_step_p75_ms: hundredths(p75),
    command_ms: hundredths(spreadOf(times.command).p50),
    one_p50_ms: hundredths(spreadOf(times.one).p50),
    many_p50_ms: hundredths(spreadOf(times.many).p50),
  }
}

function row(name: string, { p25, p50, p75 }: Spread): string[] {
  return [name, p50.toFixed(2), `${p25.toFixed(2)}–${p75.toFixed(2)}`]
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100
}
