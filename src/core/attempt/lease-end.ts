/**
 * Why a dispatcher takes an attempt from its runner: it was silent until its lease was over, it did
 * not end the attempt in time, or not after a cancel. `describeLeaseEnd` says it to a person.
 */
export type LeaseEnd = 'silent' | 'overdue' | 'not_cancelled'

const WORDS: Readonly<Record<LeaseEnd, string>> = {
  silent: 'its lease is over: nothing was heard of the runner',
  overdue: 'the runner did not end it when its time was up',
  not_cancelled: 'the runner did not end it after it was cancelled',
}

export function describeLeaseEnd(end: LeaseEnd): string {
  return WORDS[end]
}
