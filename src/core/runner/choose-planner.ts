import type { Candidate } from '../placement/placement.ts'
import type { Runner } from './runner.ts'
import type { RunnerWishes } from './runner-state.ts'

/** A runner that might be asked for a plan. */
export interface Planner {
  readonly wishes: RunnerWishes
  candidate(): Candidate
}

/** The label by whose grant a join token lets runners plan. */
const PLANNER = 'planner'
const MOST_NAMED = 3

/**
 * The runner for a plan: online, and the least busy. A plan says which secrets a job gets and on which
 * labels it runs, so whoever may write one gets past the labels that a join token grants: runners that
 * joined by one are asked only where it grants the label `planner`, or where the operator has named no runner in
 * either way, and not while such a one is away or set aside; draining it says that it is not to be waited for.
 */
export function choosePlanner<Link extends Planner>(links: readonly Link[]): Link | undefined {
  const online = askedForPlans(links)
    .map((link) => ({ link, candidate: link.candidate() }))
    .filter(({ candidate }) => candidate.state === 'online')
  const share = ({ candidate: { busy, slots } }: (typeof online)[number]): number =>
    busy / Math.max(1, slots)
  return online.toSorted((a, b) => share(a) - share(b))[0]?.link
}

/** Those that are asked for plans, whether they are online or not. */
function askedForPlans<Link extends Pick<Planner, 'wishes'>>(
  links: readonly Link[],
): readonly Link[] {
  const named = links.filter(({ wishes }) => isNamed(wishes) && !wishes.draining)
  return named.length > 0 ? named : links
}

function isNamed({ allowedLabels }: RunnerWishes): boolean {
  return allowedLabels === undefined || allowedLabels.includes(PLANNER)
}

/** Why no runner can be asked for a plan, and what to do about that; undefined: one can. */
export function planShortage(
  links: readonly (Planner & { readonly record: Pick<Runner, 'name' | 'reason'> })[],
): string | undefined {
  if (choosePlanner(links)) return undefined
  if (links.length === 0) return 'waits for a runner: none is registered, so start one'
  const asked = askedForPlans(links)
  const names = asked.slice(0, MOST_NAMED).map((link) => {
    const { name, reason } = link.record
    const { state } = link.candidate()
    return `${name} is ${state.replace('_', ' ')}${reason === undefined ? '' : ` (${reason})`}`
  })
  const more = asked.length > names.length ? ` and ${asked.length - names.length} more` : ''
  const all = `waits for a runner that may read pipeline files: ${names.join(', ')}${more}`
  const isElsewhere = links.some((link) => link.candidate().state === 'online')
  if (!isElsewhere) return `${all}; start one of them`
  const how = 'drain those that are gone for good, or join one by a token that grants the label'
  return `${all}, and those that are online joined by a token that does not let them; start one of them, ${how} ${PLANNER}`
}
