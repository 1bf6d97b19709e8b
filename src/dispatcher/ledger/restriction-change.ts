import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { KeptSecret } from '../../core/secret/secret-rules.ts'

/** Dispatchers are not notified when a secret changes: they poll. */
const POLL_MS = 10_000

export interface RestrictedWait {
  /** Whether the job still waits for a runner that may have these secrets. */
  readonly isWaiting: () => boolean
  /** The restricted secrets as they are now; undefined: the job can't have them any more. */
  readonly read: () => Promise<readonly KeptSecret[] | undefined>
  readonly signal: AbortSignal
}

/**
 * Resolves to true once a waiting job's secrets are restricted to other runners, to false once it no longer
 * waits.
 */
export async function restrictionChanged(
  kept: readonly KeptSecret[] | undefined,
  { isWaiting, read, signal }: RestrictedWait,
): Promise<boolean> {
  while (kept?.length) {
    await sleep(POLL_MS, undefined, { signal })
    if (!isWaiting()) return false
    const now = await read()
    if (!isWaiting()) return false
    if (!isDeepStrictEqual(now, kept)) return true
  }
  return false
}
