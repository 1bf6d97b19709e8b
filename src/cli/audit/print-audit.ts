import { actorText, factsText } from '../../contract/rest/audit-words.ts'
import type { AuditEntryView } from '../../contract/rest/rest-audit.ts'
import { cleanText } from '../terminal/clean-text.ts'
import type { CliIo } from '../terminal/cli-io.ts'
import { formatClock, formatDay } from '../terminal/format.ts'
import { printTable } from '../terminal/table.ts'

/** Prints entries as a table, in their order. */
export async function printAudit(io: CliIo, entries: readonly AuditEntryView[]): Promise<void> {
  await printTable(io, entries, [
    { title: '#', cell: ({ seq }) => String(seq) },
    { title: 'when', cell: ({ at }) => `${formatDay(at)} ${formatClock(at)}` },
    { title: 'who', cell: ({ actor }) => cleanText(actorText(actor)), shrinkTo: 10 },
    { title: 'from', cell: ({ address }) => cleanText(address), shrinkTo: 9 },
    { title: 'action', cell: ({ action }) => cleanText(action) },
    {
      title: 'subject',
      cell: ({ subject }) => cleanText(subject.name || subject.id),
      shrinkTo: 12,
    },
    { title: 'details', cell: (entry) => cleanText(factsText(entry)), shrinkTo: 16 },
    { title: 'via', cell: ({ cause }) => cleanText(cause), shrinkTo: 8 },
  ])
}
