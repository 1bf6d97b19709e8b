import { levelsOf } from '../../core/plan/levels.ts'
import type { PipelinePlan } from '../../core/plan/plan.ts'
import { textWidth } from '../terminal/text-width.ts'

const HEIGHT = 36
const GAP = { x: 56, y: 16 }
const MARGIN = 16
const CHARACTER = 7.5

interface Box {
  readonly name: string
  readonly isRun: boolean
  readonly needs: readonly string[]
  readonly x: number
  readonly y: number
  readonly width: number
}

/** A plan as SVG: columns of jobs from left to right, in the order in which they can start. */
export function svgGraph(plan: PipelinePlan): string {
  const boxes = layOut(plan)
  const all = [...boxes.values()]
  const width = Math.max(0, ...all.map((box) => box.x + box.width)) + MARGIN
  const height = Math.max(0, ...all.map((box) => box.y + HEIGHT)) + MARGIN
  const lines = all.flatMap((box) =>
    box.needs.flatMap((need) => {
      const from = boxes.get(need)
      return from ? [line(from, box)] : []
    }),
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="13">`,
    `<title>${escaped(plan.name)}</title>`,
    '<g fill="none" stroke="#8a94a6" stroke-width="1.5">',
    ...lines,
    '</g>',
    ...all.map(rectangle),
    '</svg>',
    '',
  ].join('\n')
}

function layOut({ jobs }: PipelinePlan): Map<string, Box> {
  const levels = levelsOf(jobs)
  const columns = Map.groupBy(jobs, ({ name }) => levels.get(name) ?? 0)
  const boxes = new Map<string, Box>()
  let x = MARGIN
  for (let level = 0; level < columns.size; level++) {
    const column = columns.get(level) ?? []
    const width = Math.max(80, ...column.map(({ name }) => 24 + textWidth(name) * CHARACTER))
    for (const [i, { name, needs, leftOut }] of column.entries()) {
      const y = MARGIN + i * (HEIGHT + GAP.y)
      boxes.set(name, { name, needs, isRun: leftOut === undefined, x, y, width })
    }
    x += width + GAP.x
  }
  return boxes
}

function line(from: Box, to: Box): string {
  const [x1, y1] = [from.x + from.width, from.y + HEIGHT / 2]
  const [x2, y2] = [to.x, to.y + HEIGHT / 2]
  const middle = (x1 + x2) / 2
  return `<path d="M${x1} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}"/>`
}

function rectangle({ name, isRun, x, y, width }: Box): string {
  const dashes = isRun ? '' : ' stroke-dasharray="4"'
  const colour = isRun ? '#1f2937' : '#8a94a6'
  const box = `<rect x="${x}" y="${y}" width="${width}" height="${HEIGHT}" rx="6" fill="#f6f8fa" stroke="${colour}"${dashes}/>`
  const at = `x="${x + width / 2}" y="${y + HEIGHT / 2}"`
  return `${box}\n<text ${at} text-anchor="middle" dominant-baseline="central" fill="${colour}">${escaped(name)}</text>`
}

/** Escapes XML syntax, and replaces control characters, which XML can't represent. */
function escaped(text: string): string {
  return text
    .replaceAll(/\p{Cc}/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
