import { actorText, factsText } from '../../contract/rest/audit-words.ts'
import type { AuditEntryView } from '../../contract/rest/rest-audit.ts'
import { cleanText } from '../terminal/clean-text.ts'
import type { CliIo } from '../terminal/cli-io.ts'
import { formatClock, formatDay } from '../terminal/format.ts'
import { printTable } from '../terminal/table.ts'

/** Prints entries as a table, in the order they have. */
export async function printAudit(io: CliIo, entries: readonly AuditEntryView[]): Promise<void> {
  await printTable(io, entries, [
    { title: '#', cell: ({ seq }) => String(seq) },
    { title: 'when', cell: ({ at }) => `${formatDay(at)} ${formatClock(at)}` },
    { title: 'who', cell: ({ actor }) => cleanText(actorText(actor)), shrinkTo: 10 },
    { title: 'from', cell: ({ address }) => cleanText(address), shrinkTo: 9 },
    { title: 'what', cell: ({ action }) => cleanText(action) },
    { title: 'to', cell: ({ subject }) => cleanText(subject.name || subject.id), shrinkTo: 12 },
    { title: 'facts', cell: (entry) => cleanText(factsText(entry)), shrinkTo: 16 },
    { title: 'by', cell: ({ cause }) => cleanText(cause), shrinkTo: 8 },
  ])
}
