/** A column of words stands to the left, one of figures to the right. */
export interface TableColumn {
  readonly title: string
  readonly holds: 'words' | 'figures'
}

/** A table for people, line by line; cells that a row lacks stay empty. */
export function formatTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
): string[] {
  const all = [columns.map(({ title }) => title), ...rows]
  const widths = columns.map((_, i) => Math.max(...all.map((row) => row[i]?.length ?? 0)))
  const format = (cell: string, i: number) =>
    columns[i]?.holds === 'words' ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)
  return all.map((row) =>
    columns
      .map((_, i) => format(row[i] ?? '', i))
      .join('  ')
      .trimEnd(),
  )
}
