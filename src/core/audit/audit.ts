import { AUDIT_ACTIONS, type AuditAction, type FactKind } from './audit-actions.ts'

/** `nobody`: no credential, or an invalid one. */
export const ACTOR_KINDS = [
  'person',
  'token',
  'runner',
  'schedule',
  'forge account',
  'system',
  'nobody',
] as const
export type ActorKind = (typeof ACTOR_KINDS)[number]

/** Who does something, from where, and how. Always known in full. */
export interface Doer {
  readonly actor: {
    readonly kind: ActorKind
    /** The id of the user, token, runner or process; for an account at a forge its number. */
    readonly id: string
    /** The display name; for a token the name of its user. */
    readonly name: string
  }
  /** An IP address; `local` for a command on the machine itself, `internal` for Narwhal itself. */
  readonly address: string
  /** What triggered it: `POST /api/v1/users`, `narwhal secret rotate`, `pipeline #7 of acme/shop`. */
  readonly cause: string
}

export type Fact = string | number | boolean | readonly string[]

interface FactTypes {
  readonly text: string
  readonly number: number
  readonly flag: boolean
  readonly names: readonly string[]
}

export type FactsOf<Action extends AuditAction> = {
  readonly [Name in keyof (typeof AUDIT_ACTIONS)[Action]['facts']]?:
    | ((typeof AUDIT_ACTIONS)[Action]['facts'][Name] extends infer Kind extends FactKind
        ? FactTypes[Kind]
        : never)
    | undefined
}

interface EventOf<Action extends AuditAction> {
  readonly action: Action
  readonly subject: { readonly id: string; readonly name: string }
  readonly before?: FactsOf<Action>
  readonly after?: FactsOf<Action>
}

/** An audit record: one of a closed set of actions, with nothing but its facts. */
export type AuditEvent = { [Action in AuditAction]: EventOf<Action> }[AuditAction]

export type Facts = Readonly<Record<string, Fact>>

const MOST_CHARACTERS = 300
const MOST_NAMES = 200

/**
 * Only the declared facts of the action, sorted by name, each of its own type and bounded; other properties
 * are dropped.
 */
export function factsOf(action: AuditAction, given: object | undefined): Facts | undefined {
  if (given === undefined) return undefined
  const kinds = Object.entries<FactKind>(AUDIT_ACTIONS[action].facts)
  const values = given as Readonly<Record<string, unknown>>
  const facts = kinds
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, kind]) => [name, factOf(kind, values[name])] as const)
    .filter((fact): fact is readonly [string, Fact] => fact[1] !== undefined)
  return facts.length > 0 ? Object.fromEntries(facts) : undefined
}

function factOf(kind: FactKind, value: unknown): Fact | undefined {
  switch (kind) {
    case 'text':
      return typeof value === 'string' ? cut(value) : undefined
    case 'number':
      return typeof value === 'number' && Number.isFinite(value) ? value : undefined
    case 'flag':
      return typeof value === 'boolean' ? value : undefined
    case 'names':
      return Array.isArray(value)
        ? value
            .filter((name) => typeof name === 'string')
            .slice(0, MOST_NAMES)
            .map(cut)
        : undefined
  }
}

/** Bounded, and free of what some databases don't store. */
export function cut(text: string): string {
  const whole = text.slice(0, MOST_CHARACTERS).toWellFormed()
  return whole.replaceAll('\0', '\u2400')
}

/** The secrets that an event concerns, for searching. */
export function secretsOf(event: AuditEvent): readonly string[] {
  if (event.action === 'secret.set' || event.action === 'secret.removed')
    return [event.subject.name]
  return event.action === 'job.given_secrets' ? (event.after?.secrets ?? []) : []
}

/** The actor's name, unless it is the system or has none. */
export function nameOf({ actor }: Doer): string | undefined {
  return actor.kind === 'system' || actor.name === '' ? undefined : actor.name
}

/** Narwhal itself; `id`: the component, `dispatcher_…` or `retention`. */
export function systemDoer(id: string, cause: string): Doer {
  return { actor: { kind: 'system', id, name: 'Narwhal' }, address: 'internal', cause }
}

/** A person who runs a command on the machine, known only by the login name there. */
export function localDoer(login: string, cause: string): Doer {
  return { actor: { kind: 'person', id: login, name: login }, address: 'local', cause }
}
