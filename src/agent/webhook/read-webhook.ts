import type { WebhookForge } from '../../core/forges.ts'
import { FORGE_PORTS } from '../../forge/forges.ts'
import type { ParsedWebhook, WebhookRepository } from '../../forge/parsed-webhook.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { firstLine } from '../../lib/hostile-text.ts'
import { present } from '../../lib/present.ts'
import type { DeliverySubject } from '../../store/delivery-records.ts'
import { addressOf, isTooDeep } from './scan-payload.ts'
import { jsonOf } from './webhook-json.ts'

/** Of an action or a ref, in characters. */
const LONGEST_WORD = 200

/** Shorter bodies can't nest deep enough to matter. */
const UNCHECKED_BYTES = 16 * 1024

/** A webhook with a valid signature, not parsed yet. */
export interface SignedText {
  readonly forge: WebhookForge
  readonly eventName: string
  /** Whether the JSON is in the field `payload` of a form. */
  readonly isForm: boolean
  readonly body: Uint8Array
}

export interface ReadWebhook {
  /** The repository that it names, if any. */
  readonly address?: WebhookRepository
  readonly subject: DeliverySubject
  readonly parsed: ParsedWebhook
}

/** Parses a webhook with a valid signature; throws `invalid` with the reason. */
export function readWebhook({ forge, eventName, isForm, body }: SignedText): ReadWebhook {
  const { hooks } = FORGE_PORTS[forge]
  const json = jsonOf(body, isForm)
  const isLong = json.byteLength > UNCHECKED_BYTES
  if (isLong && isTooDeep(json)) throw new NarwhalError('invalid', 'the body nests too deep')
  const payload = parse(json)
  const { object, name } = hooks.address
  const named = (payload as Record<string, unknown> | null)?.[object] as
    | Record<string, unknown>
    | null
    | undefined
  const address = addressOf(named?.['id'], named?.[name])
  const parsed = hooks.parse(eventName, payload)
  return { ...present({ address }), subject: subjectOf(eventName, payload, parsed), parsed }
}

/** For people: what the webhook was about. */
function subjectOf(event: string, payload: unknown, parsed: ParsedWebhook): DeliverySubject {
  const { action, ref, object_attributes: attributes } = (payload ?? {}) as Record<string, unknown>
  const { action: ofGitlab } = (attributes ?? {}) as Record<string, unknown>
  const word = (value: unknown): string | undefined =>
    (typeof value === 'string' && firstLine(value, LONGEST_WORD)) || undefined
  const ours = refOf(parsed)
  return { event, ...present({ action: word(action ?? ofGitlab), ref: ours ?? word(ref) }) }
}

function refOf(parsed: ParsedWebhook): string | undefined {
  if (parsed.kind === 'commit') return parsed.event.ref
  if (parsed.kind === 'unresolved') return parsed.events[0].ref
  return parsed.kind === 'ignored' ? undefined : parsed.ref
}

function parse(json: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(json.buffer, json.byteOffset, json.byteLength).toString())
  } catch (error) {
    throw new NarwhalError('invalid', 'the body is not JSON', { cause: error })
  }
}
