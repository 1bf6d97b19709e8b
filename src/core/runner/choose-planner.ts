import { busyShare } from '../placement/load.ts'
import type { Candidate } from '../placement/placement.ts'
import { stateInWords } from '../placement/requirements.ts'
import type { Runner } from './runner.ts'
import type { DesiredState } from './runner-state.ts'

export interface Planner {
  readonly desired: DesiredState
  candidate(): Candidate
}

/** A join token that grants this label lets its runners plan. */
const PLANNER = 'planner'
const MOST_NAMED = 3

/**
 * Chooses the runner for a plan: online, and the least busy. A plan decides which secrets a job gets and on
 * which labels it runs, so a planner can bypass the labels that a join token grants. Runners that joined by
 * token are therefore asked only if the token grants the label `planner`, or if no runner is entitled in
 * either way. While an entitled one is offline or quarantined, it is waited for; draining it lifts that.
 */
export function choosePlanner<Link extends Planner>(links: readonly Link[]): Link | undefined {
  const online = askedForPlans(links)
    .map((link) => ({ link, candidate: link.candidate() }))
    .filter(({ candidate }) => candidate.state === 'online')
  return online.toSorted((a, b) => busyShare(a.candidate) - busyShare(b.candidate))[0]?.link
}

/** The runners that may plan, online or not. */
function askedForPlans<Link extends Pick<Planner, 'desired'>>(
  links: readonly Link[],
): readonly Link[] {
  const named = links.filter(({ desired }) => isNamed(desired) && !desired.draining)
  return named.length > 0 ? named : links
}

function isNamed({ allowedLabels }: DesiredState): boolean {
  return allowedLabels === undefined || allowedLabels.includes(PLANNER)
}

/** Why no runner can plan, and what to do about it; undefined: one can. */
export function planShortage(
  links: readonly (Planner & { readonly record: Pick<Runner, 'name' | 'reason'> })[],
): string | undefined {
  if (choosePlanner(links)) return undefined
  if (links.length === 0) return 'waits for a runner: none is registered, so start one'
  const asked = askedForPlans(links)
  const names = asked.slice(0, MOST_NAMED).map((link) => {
    const { name, reason } = link.record
    const { state } = link.candidate()
    return `${name} is ${stateInWords(state)}${reason === undefined ? '' : ` (${reason})`}`
  })
  const more = asked.length > names.length ? ` and ${asked.length - names.length} more` : ''
  const all = `waits for a runner that may read pipeline files: ${names.join(', ')}${more}`
  const isElsewhere = links.some((link) => link.candidate().state === 'online')
  if (!isElsewhere) return `${all}; start one of them`
  const how = `drain those that are gone for good, or join one by a token that grants the label ${PLANNER}`
  return `${all}, and those online joined by a token that does not allow it; start one of them, ${how}`
}
