import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { KeptSecret } from '../../core/secret/secret-rules.ts'

/** Nobody tells dispatchers of what is done to a secret, so they look this often. */
const LOOK_AGAIN_MS = 10_000

export interface KeptWait {
  /** Whether the job still waits for a runner of these secrets'. */
  readonly waits: () => boolean
  /** What is kept now; undefined: the job can't have it any more. */
  readonly look: () => Promise<readonly KeptSecret[] | undefined>
  readonly signal: AbortSignal
}

/** Resolves to true once a job's secrets are kept for other runners than before, to false when it waits no more. */
export async function keptOtherwise(
  kept: readonly KeptSecret[] | undefined,
  { waits, look, signal }: KeptWait,
): Promise<boolean> {
  while (kept?.length) {
    await sleep(LOOK_AGAIN_MS, undefined, { signal })
    if (!waits()) return false
    const now = await look()
    if (!waits()) return false
    if (!isDeepStrictEqual(now, kept)) return true
  }
  return false
}
