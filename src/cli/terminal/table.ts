import { type CliIo, coloursFor, hasUnicode } from './cli-io.ts'

/** One column of a table. */
export interface Column<Row> {
  readonly title: string
  /** Safe text, possibly coloured; untrusted text goes through `cleanText` first. */
  readonly cell: (row: Row) => string
  /** On a narrow terminal the column shrinks, down to this width. */
  readonly shrinkTo?: number
}

const GAP = '  '

/** Prints rows aligned under their titles; on a terminal, truncated to its width. */
export async function printTable<Row>(
  io: CliIo,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
): Promise<void> {
  const { cutText, padText, textWidth } = await import('./text-width.ts')
  const colours = coloursFor(io, io.stdout)
  const cells = rows.map((row) => columns.map((column) => column.cell(row)))
  const used = columns.map((column, index) => ({
    column,
    index,
    width: Math.max(textWidth(column.title), ...cells.map((row) => textWidth(row[index] ?? ''))),
  }))
  if (io.stdout.isTTY) shrink(used, io.stdout.columns)
  const mark = hasUnicode(io) ? '…' : '~'
  const line = (read: (index: number) => string) =>
    used
      .map(({ index, width }) => padText(cutText(read(index), width, mark), width))
      .join(GAP)
      .trimEnd()
  const title = line((index) => columns[index]?.title.toUpperCase() ?? '')
  const lines = [colours.dim(title), ...cells.map((row) => line((index) => row[index] ?? ''))]
  io.stdout.write(`${lines.join('\n')}\n`)
}

/** Shrinks the widest shrinkable column until all fit. */
function shrink(
  used: readonly { column: { shrinkTo?: number }; width: number }[],
  columns: number,
): void {
  const gaps = GAP.length * (used.length - 1)
  for (;;) {
    const over = used.reduce((sum, { width }) => sum + width, gaps) - columns
    if (over <= 0) return
    const widest = used
      .filter(({ column, width }) => column.shrinkTo !== undefined && width > column.shrinkTo)
      .reduce<{ column: { shrinkTo?: number }; width: number } | undefined>(
        (best, one) => (best && best.width >= one.width ? best : one),
        undefined,
      )
    if (!widest) return
    widest.width = Math.max(widest.column.shrinkTo ?? 0, widest.width - 1)
  }
}
