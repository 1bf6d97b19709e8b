import { NarwhalError } from '../../lib/errors.ts'

const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds of `90m`, `24h` or `30d`. Throws `invalid`, naming the option. */
export function durationMs(option: string, text: string): number {
  const [, count, unit] = /^([1-9]\d{0,6})([mhd])$/.exec(text) ?? []
  if (count && unit) return Number(count) * UNITS[unit as keyof typeof UNITS]
  throw new NarwhalError('invalid', `${option} takes a duration such as 90m, 24h or 30d`)
}
