/** Rows about webhook deliveries; as in tables.ts. */

export interface DeliveryRow {
  forge: string
  delivery_id: string
  repository_id: string
  disposition: string
  event_id: string | null
  reason: string | null
  /** JSON of DeliverySubject */
  subject: string | null
  received_at: number
}

export interface LookupRow {
  forge: string
  delivery_id: string
  repository_id: string
  /** JSON of UnresolvedEvent[] */
  events: string
  /** JSON of CommitLookup */
  lookup: string
  received_at: number
  due_at: number
  looks: number
  failures: number
}

export interface RefusedDeliveriesRow {
  repository_id: string
  refusal: string
  event: string | null
  message: string
  count: number
  first_at: number
  last_at: number
}
