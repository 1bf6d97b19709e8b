import { z } from 'zod'
import { AUDIT_ACTIONS, type AuditAction } from '../../core/audit/audit-actions.ts'
import { count } from './rest.ts'
import { at } from './views.ts'

/** The audit log, for administrators. */

const facts = z.record(
  z.string(),
  z.union([z.string(), z.number(), z.boolean(), z.array(z.string()).readonly()]),
)

/** Kinds and actions are plain text here, so that those of a newer server can be read. */
export const auditEntry = z
  .object({
    /** From 1, without gaps. */
    seq: z.number().int().positive(),
    at,
    actor: z.object({ kind: z.string(), id: z.string(), name: z.string() }),
    /** An IP address; `local`: by a command on the machine; `internal`: by Narwhal itself. */
    address: z.string(),
    cause: z.string(),
    action: z.string(),
    subject: z.object({ kind: z.string(), id: z.string(), name: z.string() }),
    before: facts.optional(),
    after: facts.optional(),
    /** SHA-256 over the previous entry's hash, the number and this entry's text. */
    hash: z.string(),
  })
  .meta({ id: 'AuditEntry' })
export type AuditEntryView = z.infer<typeof auditEntry>

const actions = Object.keys(AUDIT_ACTIONS) as [AuditAction, ...AuditAction[]]
const text = z.string().min(1).max(300)

export const auditQuery = z.object({
  /** The actor's name. */
  actor: text.optional(),
  action: z.enum(actions).optional(),
  /** The id or the name of the subject. */
  subject: text.optional(),
  secret: text.optional(),
  /** Epoch milliseconds, like `until`. */
  since: z.coerce.number().int().nonnegative().optional(),
  until: z.coerce.number().int().nonnegative().optional(),
  /** The `next` of the previous page. */
  before: z
    .string()
    .regex(/^\d{1,15}-\d{1,15}$/)
    .optional(),
  limit: count(50, 500),
})
/** Newest first. With `next` there are more, even if this page has few entries or none. */
export const auditList = z.object({ entries: z.array(auditEntry), next: z.string().optional() })
export type AuditList = z.infer<typeof auditList>

export const auditLinesQuery = z.object({
  /** Only entries with greater numbers. */
  after: z.coerce.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).default(0),
})

export const auditHead = z.object({
  /** The number and hash of the newest entry. */
  last: z.number().int().nonnegative(),
  hash: z.string(),
  /** Those of the newest entry removed by retention. */
  removed: z.number().int().nonnegative(),
  removedHash: z.string(),
})
