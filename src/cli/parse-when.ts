import { NarwhalError } from '../lib/errors.ts'

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const

/**
 * `90m`, `12h`, `30d`, `2w` ago, or a moment like 2026-11-30 or 2026-11-30T12:00 (of the local time,
 * unless it says another), as epoch milliseconds. Throws `invalid` for anything else.
 */
export function parseWhen(option: string, text: string, now: number): number {
  const [, count, unit] = /^(\d{1,6})([mhdw])$/.exec(text) ?? []
  if (count && unit) return Math.max(0, now - Number(count) * UNITS[unit as keyof typeof UNITS])
  const isMoment = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?$/
  // A date alone would be taken for one of Greenwich.
  const moment = isMoment.test(text) ? Date.parse(text.length === 10 ? `${text}T00:00` : text) : NaN
  if (moment >= 0) return moment
  const given = JSON.stringify(text.slice(0, 50))
  const words = `${option}: ${given} is no time: write it like 30d, 12h or 2026-11-30`
  throw new NarwhalError('invalid', words)
}
