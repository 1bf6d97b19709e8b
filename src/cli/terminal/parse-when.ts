import { NarwhalError } from '../../lib/errors.ts'

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
const PERIOD = /^(\d{1,6})([mhdw])$/
const MOMENT = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/

/**
 * `90m`, `12h`, `30d`, `2w` ago, or a moment like 2026-11-30 or 2026-11-30T12:00 (of the local time,
 * unless it says another), as epoch milliseconds. Throws `invalid` for anything else.
 */
export function parseWhen(option: string, text: string, now: number): number {
  const period = periodOf(text)
  if (period !== undefined) return Math.max(0, now - period)
  const moment = momentOf(text, 'T00:00')
  if (moment >= 0) return moment
  throw noTime(option, text)
}

/** The same from now on; a day alone means its end. Throws `invalid` for what is over, too. */
export function parseEnd(option: string, text: string, now: number): number {
  const period = periodOf(text)
  const end = period === undefined ? momentOf(text, 'T24:00') : now + period
  if (end > now) return end
  if (end <= now) throw new NarwhalError('invalid', `${option}: ${text} is over already`)
  throw noTime(option, text)
}

function periodOf(text: string): number | undefined {
  const [, count, unit] = PERIOD.exec(text) ?? []
  return count && unit ? Number(count) * UNITS[unit as keyof typeof UNITS] : undefined
}

/** NaN for what is none. A date alone would be taken for one of Greenwich. */
function momentOf(text: string, timeOfDay: string): number {
  if (!MOMENT.test(text)) return Number.NaN
  return Date.parse(text.length === 10 ? `${text}${timeOfDay}` : text)
}

function noTime(option: string, text: string): NarwhalError {
  const given = JSON.stringify(text.slice(0, 50))
  const words = `${option}: ${given} is no time: write it like 30d, 12h or 2026-11-30`
  return new NarwhalError('invalid', words)
}
