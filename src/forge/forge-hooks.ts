import type { ParsedWebhook } from './parsed-webhook.ts'
import type { ProofForm } from './proof.ts'

/** How a forge's webhooks are read. */
export interface ForgeHooks {
  /** The headers that name the event and the delivery; of several, the first that is there. */
  readonly eventHeaders: HeaderNames
  readonly deliveryHeaders: HeaderNames
  /** The header that proves where it comes from; of several, the first that is there. */
  readonly proofHeaders: HeaderNames
  /** How the proof is made with a secret. */
  readonly proof: ProofForm
  /** Where the payload names its repository. */
  readonly address: AddressPlace
  /** What the forge sends to try a webhook: the event, and what is in it besides the repository. */
  readonly trial: { readonly eventName: string; readonly payload: Readonly<Record<string, string>> }
  /**
   * Reads a payload that is signed. Throws `invalid`, with all that is wrong by path, for a malformed payload of
   * an event that we build; any other event is ignored, whatever is in it.
   */
  readonly parse: (eventName: string, payload: unknown) => ParsedWebhook
}

/** The usual name first: that is the one under which a trial is sent. */
export type HeaderNames = readonly [string, ...string[]]

/** Where a payload names its repository: `{ [object]: { id, [name] } }`. */
export interface AddressPlace {
  readonly object: string
  readonly name: string
}
