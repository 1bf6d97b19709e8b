import type { Phase } from '../attempt/attempt.ts'
import type { CommitEvent } from '../commit-event.ts'

/**
 * The phases of a new pipeline. `since`: when its event was stored, or when a rerun was requested; a rerun
 * has no `accept` phase. Both ends of `accept` are by the agent's clock, and it ends where `queue`
 * begins.
 */
export function firstPhases(event: CommitEvent, since: number, createdAt: number): Phase[] {
  const { receivedAt, details: { toldAt } = {} } = event
  const queue = { name: 'queue', startedAt: since, durationMs: Math.max(0, createdAt - since) }
  if (toldAt === undefined || since !== receivedAt) return [queue]
  const durationMs = Math.max(0, receivedAt - toldAt)
  return [{ name: 'accept', startedAt: receivedAt - durationMs, durationMs }, queue]
}
