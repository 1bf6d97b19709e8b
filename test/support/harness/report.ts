import { styleText } from 'node:util'
import { countOutcomes, type FileResult, type TestResult } from './result.ts'

const SLOWEST = 5
const SLOW_MS = 1000

/** The line that is printed when a file is done. */
export function fileLine({ file, tests, durationMs, output }: FileResult): string {
  const { passed, failed, skipped } = countOutcomes([{ file, tests, durationMs, output }])
  const mark = failed > 0 ? red('✘') : passed > 0 ? styleText('green', '✔') : '-'
  const counts = [
    `${passed} passed`,
    failed > 0 && red(`${failed} failed`),
    skipped > 0 && `${skipped} skipped`,
  ]
  return `${mark} ${file}  ${dim(`${counts.filter(Boolean).join(', ')}, ${seconds(durationMs)}`)}`
}

/** The report at the end: all failures, the skips with their reasons, the slowest files. */
export function summary(files: readonly FileResult[]): string {
  const parts = [...files.flatMap(failures), ...skips(files), ...slowest(files)]
  return parts.map((part) => `${part}\n`).join('\n')
}

/** The very last line, for people and programs: nothing may be added to it. */
export function countLine(files: readonly FileResult[]): string {
  const { passed, failed, skipped } = countOutcomes(files)
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}

function failures({ file, tests, output }: FileResult): string[] {
  const failed = tests.filter((test) => test.outcome === 'failed')
  const parts = failed.map((test) => {
    const title = red(`✘ ${[file, ...test.path].join(' › ')}`)
    return `${title}\n${indent(test.error ?? '')}`
  })
  if (parts.length > 0 && output.trim() !== '') {
    parts.push(`${dim(`what ${file} wrote`)}\n${indent(output.trimEnd())}`)
  }
  return parts
}

function skips(files: readonly FileResult[]): string[] {
  const skipped = files.flatMap(({ tests }) => tests.filter((test) => test.outcome === 'skipped'))
  const byReason = Map.groupBy(skipped, (test: TestResult) => test.reason || 'no reason given')
  if (byReason.size === 0) return []
  const lines = [...byReason].map(([reason, tests]) => `  ${tests.length} × ${reason}`)
  return [['skipped', ...lines].join('\n')]
}

function slowest(files: readonly FileResult[]): string[] {
  const slow = files.filter(({ durationMs }) => durationMs >= SLOW_MS)
  if (slow.length === 0) return []
  slow.sort((a, b) => b.durationMs - a.durationMs)
  const lines = slow.slice(0, SLOWEST).map((f) => `  ${seconds(f.durationMs)}  ${f.file}`)
  return [['slowest files', ...lines].join('\n')]
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '    ')
}

function red(text: string): string {
  return styleText('red', text)
}

function dim(text: string): string {
  return styleText('dim', text)
}
