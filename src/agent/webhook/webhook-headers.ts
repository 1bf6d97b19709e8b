import type { IncomingHttpHeaders } from 'node:http'
import { parseTraceparent } from '../../core/traceparent.ts'
import type { ForgeHooks } from '../../forge/forge-hooks.ts'
import { RefusedWebhook } from './refused-webhook.ts'

const EVENT = /^[\x20-\x7e]{1,100}$/

/** The headers of a webhook. */
export interface WebhookHeaders {
  readonly eventName: string
  readonly deliveryId: string
  /** The signature or token of the forge. */
  readonly proof: string
  /** Whether the body is a form with the JSON in a field. */
  readonly isForm: boolean
  /** The content length, if given. */
  readonly length?: number
  readonly traceparent?: string
}

/** Throws `invalid` if a header is missing, and `unauthenticated` without a signature. */
export function readHeaders(headers: IncomingHttpHeaders, hooks: ForgeHooks): WebhookHeaders {
  const eventName = required(headers, hooks.eventHeaders, EVENT)
  const deliveryId = required(headers, hooks.deliveryHeaders, /^[\x21-\x7e]{1,100}$/)
  const proof = firstHeader(headers, hooks.proofHeaders)
  // Gogs sends an empty one if it has no secret.
  if (proof === undefined || proof === '' || proof === prefixOf(hooks)) {
    const message = 'the webhook is not signed: enter the secret of this repository at the forge'
    throw new RefusedWebhook('not_signed', 'unauthenticated', message)
  }
  const { traceparent, 'content-type': type, 'content-length': length } = headers
  return {
    eventName,
    deliveryId,
    proof,
    isForm: type?.startsWith('application/x-www-form-urlencoded') ?? false,
    ...(length === undefined ? {} : { length: Number(length) }),
    ...(typeof traceparent === 'string' && parseTraceparent(traceparent) ? { traceparent } : {}),
  }
}

function required(headers: IncomingHttpHeaders, names: readonly string[], form: RegExp): string {
  const value = firstHeader(headers, names)
  if (value !== undefined && form.test(value)) return value
  const message = `the header ${names[0]} is missing or malformed`
  throw new RefusedWebhook('no_webhook', 'invalid', message)
}

function prefixOf({ proof }: ForgeHooks): string {
  return proof.kind === 'hmac' ? proof.prefix : ''
}

/** The event that a request says it is, for people, whatever else is wrong with it. */
export function eventIn(headers: IncomingHttpHeaders, hooks: ForgeHooks): string | undefined {
  const value = firstHeader(headers, hooks.eventHeaders)
  return value !== undefined && EVENT.test(value) ? value : undefined
}

/** The value of the first of these headers that is present exactly once. */
function firstHeader(headers: IncomingHttpHeaders, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = headers[name]
    if (typeof value === 'string') return value
  }
  return undefined
}
