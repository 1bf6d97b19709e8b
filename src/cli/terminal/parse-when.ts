import { NarwhalError } from '../../lib/errors.ts'

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const PERIOD = /^(\d{1,6})([mhdw])$/
const MOMENT = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/

/**
 * Epoch milliseconds of `90m`, `12h`, `30d` or `2w` ago, or of a time like 2026-11-30 or
 * 2026-11-30T12:00 (local, unless it has an offset). Throws `invalid` otherwise.
 */
export function parseWhen(option: string, text: string, now: number): number {
  const period = periodOf(text)
  if (period !== undefined) return Math.max(0, now - period)
  const moment = momentOf(text, 'T00:00')
  if (moment >= 0) return moment
  throw noTime(option, text)
}

/** The same in the future; a date alone means the end of that day. Throws `invalid` for past times. */
export function parseEnd(option: string, text: string, now: number): number {
  const period = periodOf(text)
  const end = period === undefined ? momentOf(text, 'T24:00') : now + period
  if (end > now) return end
  if (end <= now) throw new NarwhalError('invalid', `${option}: ${text} is in the past`)
  throw noTime(option, text)
}

function periodOf(text: string): number | undefined {
  const [, count, unit] = PERIOD.exec(text) ?? []
  return count && unit ? Number(count) * UNITS[unit as keyof typeof UNITS] : undefined
}

/** NaN if invalid. `Date.parse` would take a date alone as UTC. */
function momentOf(text: string, timeOfDay: string): number {
  if (!MOMENT.test(text)) return Number.NaN
  return Date.parse(text.length === 10 ? `${text}${timeOfDay}` : text)
}

function noTime(option: string, text: string): NarwhalError {
  const given = JSON.stringify(text.slice(0, 50))
  const words = `${option}: invalid time ${given}; use one like 30d, 12h or 2026-11-30`
  return new NarwhalError('invalid', words)
}
