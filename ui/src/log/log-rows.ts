import type { LogSection } from '../../../src/contract/rest/rest-logs.ts'

/**
 * The layout of the box: each step has a head, two lines high, followed by its lines unless folded.
 * Heights are counted in lines, so that a million of them need no list.
 */
export interface LogRows {
  readonly blocks: readonly Block[]
  /** The total height, in lines. */
  readonly height: number
}

export interface Block {
  readonly step: number
  /** Where its head starts, in lines from the top. */
  readonly top: number
  readonly isFolded: boolean
  /** Its first line, and how many it has. */
  readonly from: number
  readonly count: number
}

/** The height of a step's head, in lines. */
export const HEAD = 2

export type Row =
  | { readonly kind: 'head'; readonly block: Block; readonly top: number }
  | { readonly kind: 'line'; readonly number: number; readonly top: number }

export function layOut(
  sections: readonly LogSection[],
  stepCount: number,
  folded: ReadonlySet<number>,
): LogRows {
  const last = Math.max(stepCount - 1, ...sections.map(({ step }) => step))
  const blocks: Block[] = []
  let top = 0
  for (let step = 0; step <= last; step++) {
    const section = sections.find((one) => one.step === step)
    const isFolded = folded.has(step)
    const count = section?.count ?? 0
    blocks.push({ step, top, isFolded, from: section?.from ?? 0, count })
    top += HEAD + (isFolded ? 0 : count)
  }
  return { blocks, height: top }
}

/** The block at a position. */
export function blockAt({ blocks }: LogRows, place: number): Block | undefined {
  return blocks.findLast(({ top }) => top <= place)
}

/** The rows between two positions. */
export function rowsBetween(rows: LogRows, from: number, to: number): Row[] {
  const found: Row[] = []
  for (const block of rows.blocks) {
    if (block.top >= to) break
    if (block.top + HEAD > from) found.push({ kind: 'head', block, top: block.top })
    if (block.isFolded) continue
    const first = Math.max(0, Math.floor(from) - block.top - HEAD)
    const last = Math.min(block.count, Math.ceil(to) - block.top - HEAD)
    for (let at = first; at < last; at++) {
      found.push({ kind: 'line', number: block.from + at, top: block.top + HEAD + at })
    }
  }
  return found
}

/** The position of a line; undefined if its step is folded or it doesn't exist. */
export function placeOf({ blocks }: LogRows, number: number): number | undefined {
  const block = blocks.find(({ from, count }) => number >= from && number < from + count)
  if (!block || block.isFolded) return undefined
  return block.top + HEAD + (number - block.from)
}
