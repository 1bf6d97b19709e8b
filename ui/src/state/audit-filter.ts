import type { Given } from '../api.ts'

type AuditQuery = NonNullable<Given<'listAudit'>['query']>

/** The filter of the audit page; kept in the URL. */
export interface AuditFilter {
  readonly actor: string
  readonly action: string
  readonly subject: string
  readonly secret: string
  /** In days; empty: any time. */
  readonly days: string
}

const FIELDS = ['actor', 'action', 'subject', 'secret', 'days'] as const

export function parseAuditFilter(search: string): AuditFilter {
  const params = new URLSearchParams(search)
  const [actor, action, subject, secret, days] = FIELDS.map((name) => params.get(name) ?? '')
  return {
    actor,
    action,
    subject,
    secret,
    days: /^\d{1,4}$/.test(days ?? '') ? days : '',
  } as AuditFilter
}

export function auditSearch(filter: AuditFilter): string {
  const params = new URLSearchParams()
  for (const name of FIELDS) if (filter[name] !== '') params.set(name, filter[name])
  const text = params.toString()
  return text === '' ? '' : `?${text}`
}

const DAY_MS = 86_400_000

/** The API query for a page of entries. */
export function auditQuery(filter: AuditFilter, now: number, before?: string): AuditQuery {
  const [actor, action, subject, secret] = FIELDS.map((name) => filter[name].trim() || undefined)
  const since = filter.days === '' ? undefined : now - Number(filter.days) * DAY_MS
  // The server rejects an unknown action.
  const named = action as AuditQuery['action']
  return { limit: 100, actor, action: named, subject, secret, since, before }
}
