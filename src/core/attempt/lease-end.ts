/**
 * Why a dispatcher takes an attempt away from its runner: no heartbeat until the lease expired, a missed
 * deadline, or no end after a cancel.
 */
export type LeaseEnd = 'silent' | 'overdue' | 'not_cancelled'

const WORDS: Readonly<Record<LeaseEnd, string>> = {
  silent: 'lease expired: no heartbeat from the runner',
  overdue: 'the runner did not end it by its deadline',
  not_cancelled: 'the runner did not end it after it was cancelled',
}

export function describeLeaseEnd(end: LeaseEnd): string {
  return WORDS[end]
}
