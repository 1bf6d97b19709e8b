import { z } from 'zod'
import { NONCE } from '../../lib/reach/own-token-proof.ts'

/** A server of this machine proves that it has the data folder's token. */

export const proofQuery = z.object({
  /** Made up by who asks, each time another. */
  nonce: z.string().regex(NONCE, 'must be 64 hexadecimal digits'),
})
export const proofBody = z.object({ proof: z.string().regex(/^[0-9a-f]{64}$/) })
