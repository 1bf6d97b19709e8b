import type { Change, Evidence } from '../evidence.ts'
import type { Breach } from './breach.ts'

const ORDER = ['blocked', 'queued', 'assigned', 'running', 'finished']
const PIPELINE_ORDER = ['pending', 'running', 'finished']

/** Every state change led from the one before by a legal way; what had ended never lived again. */
export function checkTransitions({ changes }: Pick<Evidence, 'changes'>): {
  figures: { illegal: number; revivals: number }
  breaches: Breach[]
} {
  const last = new Map<string, Change>()
  const breaches: Breach[] = []
  for (const change of changes) {
    const before = last.get(change.id)
    last.set(change.id, change)
    if (before === undefined || isLegal(before, change)) continue
    const promise = before.status === 'finished' ? 'revivals' : 'transitions'
    const what = `${change.id} went from ${words(before)} to ${words(change)} (change ${change.seq})`
    breaches.push({ promise, what })
  }
  const revivals = breaches.filter(({ promise }) => promise === 'revivals').length
  return { figures: { illegal: breaches.length - revivals, revivals }, breaches }
}

function isLegal(before: Change, after: Change): boolean {
  if (before.status === 'finished') {
    return (
      after.status === 'finished' &&
      after.outcome === before.outcome &&
      after.attempt === before.attempt
    )
  }
  if (after.kind === 'pipeline') return isForward(PIPELINE_ORDER, before, after)
  const [former = 0, now = 0] = [before.attempt, after.attempt]
  // A lost attempt: the next one waits, or more has happened since in the same transaction.
  if (now === former + 1) return ['assigned', 'running'].includes(before.status)
  if (now !== former) return false
  // A refused attempt waits again.
  if (before.status === 'assigned' && after.status === 'queued') return true
  return isForward(ORDER, before, after)
}

function isForward(order: readonly string[], before: Change, after: Change): boolean {
  return order.indexOf(after.status) >= order.indexOf(before.status)
}

function words({ status, outcome, attempt }: Change): string {
  return [status, outcome, attempt === undefined ? '' : `(attempt ${attempt})`]
    .filter((word) => word)
    .join(' ')
}
