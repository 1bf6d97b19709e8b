import { countOutcomes, type FileResult } from '../support/harness/result.ts'

/** A suite that ran against one version of a server. */
export interface Run {
  readonly server: string
  readonly version: string
  /** The Debian suite that the version comes from. */
  readonly from: string
  readonly suite: string
  readonly files: readonly FileResult[]
  readonly seconds: number
}

/** One that could not be run. */
export interface Missing extends Pick<Run, 'server' | 'from' | 'suite'> {
  readonly reason: string
}

const HEAD = ['server', 'version', 'Debian', 'suite', 'passed', 'failed', 'skipped', 'seconds']
const FIRST_NUMBER = 4

/** The table of all runs, as Markdown. */
export function table(runs: readonly (Run | Missing)[]): string {
  const rows = runs.map((run) => {
    if ('reason' in run) {
      return [run.server, 'not run', run.from, run.suite, '', '', '', '']
    }
    const { passed, failed, skipped } = countOutcomes(run.files)
    const numbers = [passed, failed, skipped, Math.round(run.seconds)]
    return [run.server, run.version, run.from, run.suite, ...numbers.map(String)]
  })
  const widths = HEAD.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)),
  )
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => pad(cell, widths[i] ?? 0, i >= FIRST_NUMBER)).join(' | ')} |`
  const rule = widths.map((width, i) =>
    i >= FIRST_NUMBER ? `${'-'.repeat(width + 1)}:` : '-'.repeat(width + 2),
  )
  return [line(HEAD), `|${rule.join('|')}|`, ...rows.map(line)].join('\n')
}

function pad(text: string, width: number, isNumber: boolean): string {
  return isNumber ? text.padStart(width) : text.padEnd(width)
}

/** Why some were not run: a line each. */
export function missingLines(runs: readonly (Run | Missing)[]): readonly string[] {
  return runs.flatMap((run) =>
    'reason' in run ? [`not run: ${run.server} of Debian ${run.from}: ${run.reason}`] : [],
  )
}

/** The very last line. A suite that could not be run counts as one skipped test: it is no success. */
export function totals(runs: readonly (Run | Missing)[]) {
  const files = runs.flatMap((run) => ('reason' in run ? [] : run.files))
  const { passed, failed, skipped } = countOutcomes(files)
  return { passed, failed, skipped: skipped + missingLines(runs).length }
}
