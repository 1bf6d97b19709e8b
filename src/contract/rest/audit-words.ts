import { AUDIT_ACTIONS, type AuditAction } from '../../core/audit/audit-actions.ts'

/** Describes audit entries, for the page and the command line. */

export const AUDIT_ACTION_NAMES = Object.keys(AUDIT_ACTIONS) as AuditAction[]

type Fact = string | number | boolean | readonly string[]

interface Change {
  readonly before?: Readonly<Record<string, Fact>> | undefined
  readonly after?: Readonly<Record<string, Fact>> | undefined
}

/** `role: member → admin, labels: gpu` */
export function factsText({ before = {}, after = {} }: Change): string {
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
  if (typeof fact === 'number' && /(?:At|since|before|until)$/.test(name)) {
    return new Date(fact).toISOString()
  }
  const text = String(fact)
  return /^[0-9a-f]{40,64}$/.test(text) ? text.slice(0, 12) : text
}

/** The actor for display: `grace`, `grace by a token`, `Narwhal`. */
export function actorText({
  kind,
  id,
  name,
}: {
  readonly kind: string
  readonly id: string
  readonly name: string
}): string {
  const who = name || id
  if (kind === 'token') return `${who} by a token`
  if (kind === 'person' || kind === 'system') return who || kind
  return who === '' ? kind : `${kind} ${who}`
}
