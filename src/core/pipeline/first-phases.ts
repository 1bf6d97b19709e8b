import type { Phase } from '../attempt/attempt.ts'
import type { CommitEvent } from '../commit-event.ts'

/**
 * What is known of a pipeline's time when it is created. `since`: when its event was written, or when
 * somebody asked for it anew; only in the first case it was accepted for this pipeline. Both ends of
 * `accept` are of the agent's clock, and it ends where `queue` begins.
 */
export function firstPhases(event: CommitEvent, since: number, createdAt: number): Phase[] {
  const { receivedAt, details: { toldAt } = {} } = event
  const queue = { name: 'queue', startedAt: since, durationMs: Math.max(0, createdAt - since) }
  if (toldAt === undefined || since !== receivedAt) return [queue]
  const durationMs = Math.max(0, receivedAt - toldAt)
  return [{ name: 'accept', startedAt: receivedAt - durationMs, durationMs }, queue]
}
