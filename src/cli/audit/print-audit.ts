import type { AuditEntryView } from '../../contract/rest-audit.ts'
import type { Fact } from '../../core/audit.ts'
import { cleanText } from '../clean-text.ts'
import type { CliIo } from '../cli-io.ts'
import { formatClock } from '../format.ts'
import { printTable } from '../table.ts'

/** Prints entries as a table, in the order they have. */
export function printAudit(io: CliIo, entries: readonly AuditEntryView[]): void {
  printTable(io, entries, [
    { title: '#', cell: ({ seq }) => String(seq) },
    { title: 'when', cell: ({ at }) => `${formatDay(at)} ${formatClock(at)}` },
    { title: 'who', cell: whoOf, shrinkTo: 10 },
    { title: 'from', cell: ({ address }) => cleanText(address), shrinkTo: 9 },
    { title: 'what', cell: ({ action }) => cleanText(action) },
    { title: 'to', cell: ({ subject }) => cleanText(subject.name || subject.id), shrinkTo: 12 },
    { title: 'facts', cell: (entry) => cleanText(factsText(entry)), shrinkTo: 16 },
    { title: 'by', cell: ({ cause }) => cleanText(cause), shrinkTo: 8 },
  ])
}

function whoOf({ actor: { kind, id, name } }: AuditEntryView): string {
  const who = cleanText(name || id)
  return kind === 'person' ? who : who === '' ? kind : `${who} (${cleanText(kind)})`
}

/** `role: member → admin, labels: gpu` */
export function factsText({ before = {}, after = {} }: AuditEntryView): string {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  return names
    .map((name) => {
      const [was, is] = [factText(name, before[name]), factText(name, after[name])]
      if (was === undefined || was === is) return `${name}: ${is}`
      return is === undefined ? `${name}: ${was}` : `${name}: ${was} → ${is}`
    })
    .join(', ')
}

function factText(name: string, fact: Fact | undefined): string | undefined {
  if (fact === undefined) return undefined
  if (typeof fact === 'object') return fact.length === 0 ? 'none' : fact.join(' ')
  if (typeof fact === 'number' && /(?:At|since|before)$/.test(name)) {
    return new Date(fact).toISOString()
  }
  const text = String(fact)
  return /^[0-9a-f]{40,64}$/.test(text) ? text.slice(0, 12) : text
}

/** The local date, `2026-11-30`. */
function formatDay(at: number): string {
  const date = new Date(at)
  const two = (value: number) => String(value).padStart(2, '0')
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}
