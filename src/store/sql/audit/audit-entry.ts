import { type AuditEvent, cut, type Doer, factsOf, secretsOf } from '../../../core/audit/audit.ts'
import { AUDIT_ACTIONS } from '../../../core/audit/audit-actions.ts'
import { present } from '../../../lib/present.ts'
import type { NewAuditEntry } from './audit-append.ts'

/** An event's entry, with all texts cut to a length and only the facts that its action has. */
export function newEntry(by: Doer, event: AuditEvent, at: number): NewAuditEntry {
  const { kind, id, name } = by.actor
  const { action, subject } = event
  const [before, after] = [factsOf(action, event.before), factsOf(action, event.after)]
  const entry = {
    at,
    actor: { kind, id: cut(id), name: cut(name) },
    address: cut(by.address),
    cause: cut(by.cause),
    action,
    subject: { kind: AUDIT_ACTIONS[action].of, id: cut(subject.id), name: cut(subject.name) },
    ...present({ before, after }),
  }
  return { entry, secrets: secretsOf(event).map(cut) }
}
