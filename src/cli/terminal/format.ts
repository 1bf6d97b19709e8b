import type { Outcome } from '../../core/outcome.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Colours } from './cli-io.ts'

/** Durations, ages and status words, as the tables and the live view show them. */

/** `0.4 s`, `12.3 s`, `2 min 05 s`, `1 h 02 min`. */
export function formatDuration(ms: number): string {
  const tenths = Math.round(Math.max(0, ms) / 100)
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`
  const seconds = Math.round(Math.max(0, ms) / 1000)
  const two = (value: number) => String(value).padStart(2, '0')
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`
  return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`
}

/** `just now`, `5 min ago`, `3 h ago`, `12 d ago`. */
export function formatAge(at: number, now: number): string {
  const minutes = Math.floor((now - at) / 60_000)
  if (minutes < 1) return 'just now'
  if (minutes < 60) return `${minutes} min ago`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} d ago`
}

/** The local time of day, `12:00:01`. */
export function formatClock(at: number): string {
  const date = new Date(at)
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
}

/** The local day, `2030-06-30`. */
export function formatDay(at: number): string {
  const date = new Date(at)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** How long something took, or has taken so far; empty if it hasn't started. */
export function formatSpan(
  span: { startedAt?: number | undefined; finishedAt?: number | undefined },
  now: number,
): string {
  if (span.startedAt === undefined) return ''
  return formatDuration((span.finishedAt ?? now) - span.startedAt)
}

/** The outcome or else the status, as text. */
export function statusWord(state: {
  status: string
  outcome?: Outcome | undefined
  approval?: { status: string; for?: string | undefined } | undefined
}): string {
  const { approval } = state
  const waits = approval?.status === 'needed' && approval.for === 'run'
  return state.outcome ?? (waits && state.status !== 'finished' ? 'needs approval' : state.status)
}

/** The colour that goes with a status or an outcome. */
export function paintStatus(colours: Colours, word: string, text = word): string {
  if (word === 'success' || word === 'online') return colours.green(text)
  if (word === 'failure' || word === 'error' || word === 'timeout') return colours.red(text)
  if (word === 'cancelled' || word === 'skipped') return colours.dim(text)
  if (word === 'running' || word === 'assigned') return colours.cyan(text)
  return colours.yellow(text)
}

/** A duration in its largest whole unit, as `parseDuration` parses it. */
export function formatInterval(ms: number): string {
  if (ms === 0) return 'off'
  if (ms % 3_600_000 === 0) return `${ms / 3_600_000}h`
  if (ms % 60_000 === 0) return `${ms / 60_000}m`
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`
}

/** `90s`, `5m`, `1h`, or `off` for 0, in milliseconds. Throws `invalid` for anything else. */
export function parseDuration(text: string): number {
  if (text === 'off' || text === '0') return 0
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text)
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match?.[2] ?? '']
  if (!match || unit === undefined) {
    const given = JSON.stringify(text.slice(0, 50))
    throw new NarwhalError('invalid', `invalid duration ${given}: use one like 30s, 5m, 1h, or off`)
  }
  return Math.round(Number(match[1]) * unit)
}
