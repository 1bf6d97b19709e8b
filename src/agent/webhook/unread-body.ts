import type { AddressPlace } from '../../forge/forge-hooks.ts'
import type { WebhookRepository } from '../../forge/parsed-webhook.ts'
import { scanAddress } from './scan-payload.ts'
import { type Proof, provenBy } from './signature.ts'
import { jsonOf } from './webhook-json.ts'

/** A body that is signed. */
export interface ProvenBody {
  /** Which of the secrets has signed it. */
  readonly by: number
  readonly bytes: Uint8Array
}

/** The body of a webhook that has come in, and that nobody has read. Disposing forgets it. */
export interface UnreadBody extends Disposable {
  /** The repository that it says it is of, found by one look at each byte. */
  findAddress(place: AddressPlace, isForm: boolean): Promise<WebhookRepository | undefined>
  /** Checks what it is signed with; undefined where none of the secrets has. The last that is asked. */
  prove(proof: Proof): Promise<ProvenBody | undefined>
}

/** Looks at a short body at once, which takes less than a millisecond. */
export function shortBody(chunks: readonly Uint8Array[]): UnreadBody {
  return {
    findAddress: async (place, isForm) => scanAddress(jsonOf(Buffer.concat(chunks), isForm), place),
    prove: async (proof) => {
      const by = provenBy(chunks, proof)
      return by < 0 ? undefined : { by, bytes: Buffer.concat(chunks) }
    },
    [Symbol.dispose]: () => {},
  }
}
