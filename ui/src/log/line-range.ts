/** A range of lines, from 0, both ends included. */
export interface LineRange {
  readonly from: number
  readonly to: number
}

/** Parses `#L12` or `#L12-L20`, which count from 1. */
export function parseRange(hash: string): LineRange | undefined {
  const [, first, last] = /^#L(\d{1,9})(?:-L?(\d{1,9}))?$/.exec(hash) ?? []
  if (first === undefined) return undefined
  const from = Math.max(1, Number(first)) - 1
  return { from, to: Math.max(from, Number(last ?? first) - 1) }
}

export function formatRange({ from, to }: LineRange): string {
  return from === to ? `#L${from + 1}` : `#L${from + 1}-L${to + 1}`
}
