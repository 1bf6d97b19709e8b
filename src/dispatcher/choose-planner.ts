import type { Candidate } from '../core/placement/placement.ts'
import type { RunnerWishes } from './runner-link.ts'

/** A runner that might be asked for a plan. */
export interface Planner {
  readonly wishes: RunnerWishes
  candidate(): Candidate
}

/**
 * The runner for a plan: online, and the least busy. A plan says which secrets a job gets and on which
 * labels it runs, so whoever may write one gets past the labels that a join token grants: runners that
 * joined by one are asked only where the operator has registered no other, and not while such a one is
 * away or set aside; draining it says that it is not to be waited for.
 */
export function choosePlanner<Link extends Planner>(links: readonly Link[]): Link | undefined {
  const named = links.filter(({ wishes }) => wishes.allowedLabels === undefined && !wishes.draining)
  const online = (named.length > 0 ? named : links)
    .map((link) => ({ link, candidate: link.candidate() }))
    .filter(({ candidate }) => candidate.state === 'online')
  const share = ({ candidate: { busy, slots } }: (typeof online)[number]): number =>
    busy / Math.max(1, slots)
  return online.toSorted((a, b) => share(a) - share(b))[0]?.link
}
