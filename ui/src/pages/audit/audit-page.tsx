import {
  AUDIT_ACTION_NAMES,
  actorText,
  factsText,
} from '../../../../src/contract/rest/audit-words.ts'
import type { AuditEntryView } from '../../../../src/contract/rest/rest-audit.ts'
import { CommandButton } from '../../parts/command-button.tsx'
import { Choice, Filters, TextFilter } from '../../parts/filters.tsx'
import { ErrorNotice, Loading } from '../../parts/notices.tsx'
import { Ago } from '../../parts/times.tsx'
import { navigate } from '../../router.tsx'
import { type AuditFilter, auditSearch, parseAuditFilter } from '../../state/audit-filter.ts'
import { useAudit } from './use-audit.ts'

const DAYS = [
  ['1', 'Last 24 hours'],
  ['7', 'Last 7 days'],
  ['30', 'Last 30 days'],
  ['365', 'Last year'],
] as const

/** Who did what, for administrators. */
export function AuditPage({ search }: { readonly search: string }) {
  const filter = parseAuditFilter(search)
  const { entries, error, more, reload } = useAudit(filter)
  return (
    <>
      <title>Audit · Narwhal</title>
      <div className="page-head">
        <h1>Audit</h1>
        <button type="button" className="small" onClick={reload}>
          Refresh
        </button>
      </div>
      <AuditFilterBar filter={filter} />
      <ErrorNotice error={error} />
      {!entries && !error ? <Loading /> : null}
      {entries?.length === 0 && !more && !error ? (
        <section className="empty">
          <h2>No entries match</h2>
          <p>Changes to permissions, secrets, tokens and runners are recorded here.</p>
        </section>
      ) : null}
      {entries && entries.length > 0 ? <AuditTable entries={entries} /> : null}
      {more ? (
        <p className="more">
          <CommandButton run={more}>Show older entries</CommandButton>
        </p>
      ) : null}
    </>
  )
}

function AuditFilterBar({ filter }: { readonly filter: AuditFilter }) {
  const change = (part: Partial<AuditFilter>) =>
    navigate(`/audit${auditSearch({ ...filter, ...part })}`, { replace: true })
  return (
    <Filters isSet={auditSearch(filter) !== ''} onClear={() => change(parseAuditFilter(''))}>
      <TextFilter
        label="User"
        placeholder="User"
        value={filter.actor}
        onChange={(actor) => change({ actor })}
        isFirst
      />
      <Choice
        label="Action"
        any="Any action"
        value={filter.action}
        options={AUDIT_ACTION_NAMES.map((name) => [name, name])}
        onChange={(action) => change({ action })}
      />
      <TextFilter
        label="Subject, by name or id"
        placeholder="Subject"
        value={filter.subject}
        onChange={(subject) => change({ subject })}
      />
      <TextFilter
        label="Secret, including jobs that got it"
        placeholder="Secret"
        value={filter.secret}
        onChange={(secret) => change({ secret })}
      />
      <Choice
        label="Since"
        any="Any time"
        value={filter.days}
        options={DAYS}
        onChange={(days) => change({ days })}
      />
    </Filters>
  )
}

const HEADINGS = ['When', 'Who', 'Action', 'Subject', 'Details', 'From']

function AuditTable({ entries }: { readonly entries: readonly AuditEntryView[] }) {
  return (
    // Scrolls sideways where it is wider than the page, by keyboard as well.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <section className="panel audit" aria-label="Entries, newest first" tabIndex={0}>
      <table>
        <thead>
          <tr>
            {HEADINGS.map((heading) => (
              <th key={heading} scope="col">
                {heading}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <tr key={entry.seq}>
              <td className="quiet">
                <Ago at={entry.at} />
              </td>
              <td>{actorText(entry.actor)}</td>
              <td>
                <code>{entry.action}</code>
              </td>
              <td>{entry.subject.name || entry.subject.id}</td>
              <td className="entry-details">{factsText(entry)}</td>
              <td className="quiet" title={entry.cause}>
                {entry.address}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}
