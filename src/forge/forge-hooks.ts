import type { ParsedWebhook } from './parsed-webhook.ts'
import type { ProofForm } from './proof.ts'

/** How a forge's webhooks are parsed and verified. */
export interface ForgeHooks {
  /** The headers that name the event and the delivery; the first one present counts. */
  readonly eventHeaders: HeaderNames
  readonly deliveryHeaders: HeaderNames
  /** The header with the signature or token; the first one present counts. */
  readonly proofHeaders: HeaderNames
  readonly proof: ProofForm
  /** Where the payload names its repository. */
  readonly address: AddressPlace
  /** The forge's own test delivery: the event, and the payload's fields besides the repository. */
  readonly trial: { readonly eventName: string; readonly payload: Readonly<Record<string, string>> }
  /**
   * Parses a verified payload. Throws `invalid`, listing every problem by its path, if the payload of a
   * supported event is malformed; any other event is ignored, whatever it contains.
   */
  readonly parse: (eventName: string, payload: unknown) => ParsedWebhook
}

/** The usual name first: test deliveries are sent with it. */
export type HeaderNames = readonly [string, ...string[]]

/** Where a payload names its repository: `{ [object]: { id, [name] } }`. */
export interface AddressPlace {
  readonly object: string
  readonly name: string
}
