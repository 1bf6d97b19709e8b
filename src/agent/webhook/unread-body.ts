import type { AddressPlace } from '../../forge/forge-hooks.ts'
import type { WebhookRepository } from '../../forge/parsed-webhook.ts'
import { scanAddress } from './scan-payload.ts'
import { type Proof, proofOfBody } from './signature.ts'
import { jsonOf } from './webhook-json.ts'

/** A body with a valid signature. */
export interface ProvenBody {
  /** The index of the secret that has signed it. */
  readonly by: number
  readonly bytes: Uint8Array
}

/** The received body of a webhook, not parsed yet. Disposing frees it. */
export interface UnreadBody extends Disposable {
  /** The repository that it names, found in one pass. */
  findAddress(place: AddressPlace, isForm: boolean): Promise<WebhookRepository | undefined>
  /**
   * Checks its signature; undefined if it fits none of the secrets, `otherwise` if it fits the JSON of a form
   * instead of the form. Must be the last call.
   */
  prove(proof: Proof): Promise<ProvenBody | 'otherwise' | undefined>
}

/** A short body, searched and hashed on this thread, which takes less than a millisecond. */
export function shortBody(chunks: readonly Uint8Array[]): UnreadBody {
  return {
    findAddress: async (place, isForm) => scanAddress(jsonOf(Buffer.concat(chunks), isForm), place),
    prove: async (proof) => {
      const by = proofOfBody(chunks, proof)
      return typeof by === 'number' ? { by, bytes: Buffer.concat(chunks) } : by
    },
    [Symbol.dispose]: () => {},
  }
}
