import { setTimeout as sleep } from 'node:timers/promises'
import { describeError } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { StoreReader } from '../store/store.ts'
import type { Intake } from './intake.ts'

const INTERVAL_MS = 10_000
const BATCH = 500

/**
 * Publishes again what the store says has no pipeline yet: whatever the queue has lost, or never
 * got. At start everything, later what is older than one interval. Ends when aborted.
 */
export async function sweepPendingEvents(
  deps: { store: StoreReader; intake: Intake; log: Logger },
  signal: AbortSignal,
): Promise<void> {
  let olderThanMs = 0
  while (!signal.aborted) {
    try {
      const pending = await deps.store.listPendingEvents(Date.now() - olderThanMs, BATCH)
      for (const eventId of pending) deps.intake.publish(eventId)
      if (pending.length > 0) deps.log.info({ events: pending.length }, 'queued commits again')
      olderThanMs = INTERVAL_MS
    } catch (error) {
      deps.log.warn({ reason: describeError(error) }, 'sweep failed; will try again')
    }
    await sleep(INTERVAL_MS, undefined, { signal }).catch(() => undefined)
  }
}
