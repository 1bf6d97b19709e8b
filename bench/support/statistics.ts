/** What is told of one row of measurements; all in the unit of the measurements. */
export interface Spread {
  readonly count: number
  readonly p25: number
  readonly p50: number
  readonly p75: number
  readonly p95: number
}

/** Throws RangeError where there is nothing measured. */
export function spreadOf(values: readonly number[]): Spread {
  return {
    count: values.length,
    p25: quantile(values, 0.25),
    p50: quantile(values, 0.5),
    p75: quantile(values, 0.75),
    p95: quantile(values, 0.95),
  }
}

/** The value below which this share of the values lies, between two of them on a straight line. */
export function quantile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new RangeError('a quantile of nothing')
  const sorted = values.toSorted((a, b) => a - b)
  const place = (sorted.length - 1) * share
  const [below = 0, above = below] = sorted.slice(Math.floor(place), Math.floor(place) + 2)
  return below + (above - below) * (place % 1)
}

/**
 * The median of what the rounds have as this quantile, so that what else the machine does in one of them does not
 * decide.
 */
export function medianOf(rounds: readonly (readonly number[])[], share: number): number {
  return quantile(
    rounds.map((round) => quantile(round, share)),
    0.5,
  )
}

/** A stretch of time, in milliseconds of any one clock. */
export interface Interval {
  readonly from: number
  readonly to: number
}

/** How much of `whole` none of the intervals covers, in milliseconds; they may overlap. */
export function uncovered(whole: Interval, intervals: readonly Interval[]): number {
  let reached = whole.from
  let free = 0
  for (const { from, to } of intervals.toSorted((a, b) => a.from - b.from)) {
    free += Math.max(0, Math.min(from, whole.to) - reached)
    reached = Math.max(reached, to)
  }
  return free + Math.max(0, whole.to - reached)
}

/** With one decimal: for figures in JSON. */
export function tenths(value: number): number {
  return Math.round(value * 10) / 10
}
