import type { Given } from '../api.ts'

type AuditQuery = NonNullable<Given<'listAudit'>['query']>

/** What the page shows of the audit log; held in the address bar. */
export interface AuditFilter {
  readonly actor: string
  readonly action: string
  readonly subject: string
  readonly secret: string
  /** In days; empty: since ever. */
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

/** What the API is asked for the page's first or a later part. */
export function auditQuery(filter: AuditFilter, now: number, before?: string): AuditQuery {
  const [actor, action, subject, secret] = FIELDS.map((name) => filter[name].trim() || undefined)
  const since = filter.days === '' ? undefined : now - Number(filter.days) * DAY_MS
  // Where the address names one that there isn't, the server says so.
  const named = action as AuditQuery['action']
  return { limit: 100, actor, action: named, subject, secret, since, before }
}
