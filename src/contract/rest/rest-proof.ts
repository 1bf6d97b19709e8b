import { z } from 'zod'
import { NONCE } from '../../lib/reach/own-token-proof.ts'

/** A server on this machine proves that it has the data folder's token. */

export const proofQuery = z.object({
  /** Chosen by the client, different each time. */
  nonce: z.string().regex(NONCE, 'must be 64 hexadecimal digits'),
})
export const proofBody = z.object({ proof: z.string().regex(/^[0-9a-f]{64}$/) })
