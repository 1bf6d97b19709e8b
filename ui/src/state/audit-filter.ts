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

/** The path of the page's first or a later part in the API. */
export function auditPath(filter: AuditFilter, now: number, before?: string): string {
  const params = new URLSearchParams({ limit: '100' })
  for (const name of ['actor', 'action', 'subject', 'secret'] as const) {
    const value = filter[name].trim()
    if (value !== '') params.set(name, value)
  }
  if (filter.days !== '') params.set('since', String(now - Number(filter.days) * DAY_MS))
  if (before !== undefined) params.set('before', before)
  return `/audit?${params}`
}
