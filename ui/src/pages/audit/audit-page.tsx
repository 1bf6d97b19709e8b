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
  ['1', 'The last day'],
  ['7', 'The last 7 days'],
  ['30', 'The last 30 days'],
  ['365', 'The last year'],
] as const

/** Who did what, for administrators. */
export function AuditPage({ search }: { readonly search: string }) {
  const filter = parseAuditFilter(search)
  const { entries, error, more, again } = useAudit(filter)
  return (
    <>
      <title>Audit · Narwhal</title>
      <div className="page-head">
        <h1>Audit</h1>
        <button type="button" className="small" onClick={again}>
          Look again
        </button>
      </div>
      <AuditFilterBar filter={filter} />
      <ErrorNotice error={error} />
      {!entries && !error ? <Loading /> : null}
      {entries?.length === 0 && !more && !error ? (
        <section className="empty">
          <h2>There is no such entry</h2>
          <p>Everything that changes rights, secrets, tokens and runners is written down here.</p>
        </section>
      ) : null}
      {entries && entries.length > 0 ? <AuditTable entries={entries} /> : null}
      {more ? (
        <p className="more">
          <CommandButton run={more}>Show older ones</CommandButton>
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
        label="Only what this user did"
        placeholder="Who"
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
        label="Only what was done to this, by its name or id"
        placeholder="To what"
        value={filter.subject}
        onChange={(subject) => change({ subject })}
      />
      <TextFilter
        label="Only what this secret is about, and the jobs that had it"
        placeholder="Secret"
        value={filter.secret}
        onChange={(secret) => change({ secret })}
      />
      <Choice
        label="Since"
        any="Since ever"
        value={filter.days}
        options={DAYS}
        onChange={(days) => change({ days })}
      />
    </Filters>
  )
}

const HEADINGS = ['When', 'Who', 'What', 'To what', 'Facts', 'From']

function AuditTable({ entries }: { readonly entries: readonly AuditEntryView[] }) {
  return (
    // What is wider than the page is reached by its own scrolling, by keys as well.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <section className="panel audit" aria-label="Entries, the newest first" tabIndex={0}>
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
              <td className="facts-told">{factsText(entry)}</td>
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
