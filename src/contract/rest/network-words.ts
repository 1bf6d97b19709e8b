import type { JobNetworkRules } from '../../core/job-network.ts'

type Words = Readonly<Record<JobNetworkRules['kind'], (rules: JobNetworkRules) => string>>

const IN_FULL: Words = {
  rules: ({ deniesPrivate, holes, alsoPrivate }) => {
    const whom = deniesPrivate
      ? 'closed to all jobs (--private-networks deny)'
      : 'open to jobs, except strangers’'
    const but = holes.length > 0 ? `, except for ${holes.join(', ')} (--reach)` : ''
    const also =
      alsoPrivate.length > 0
        ? ` Also private here: ${alsoPrivate.join(', ')} (--also-private).`
        : ''
    return `Private networks are ${whom}${but}.${also}`
  },
  user: ({ deniesPrivate }) =>
    deniesPrivate
      ? 'Jobs in bubblewrap have no network: private networks must be closed (--private-networks deny), which requires a runner that is root.'
      : 'Private networks are open: closing them requires a runner that is root. Strangers’ jobs have no network.',
  host: () =>
    'Jobs use the machine’s own network, with nothing closed (--sandbox-network host); strangers’ jobs have none.',
  none: () => 'Jobs have no network (--sandbox-network none).',
}

const IN_BRIEF: Words = {
  rules: ({ deniesPrivate, holes }) => {
    const but = holes.length > 0 ? `, but ${holes.join(', ')}` : ''
    return `private ${deniesPrivate ? 'closed' : 'open'}${but}`
  },
  user: ({ deniesPrivate }) => (deniesPrivate ? 'none' : 'private open, none for strangers'),
  host: () => 'the machine’s own: all open',
  none: () => 'none',
}

/** Describes the network access of a runner's jobs in sentences that name the settings. */
export function networkInWords(rules: JobNetworkRules): string {
  return IN_FULL[rules.kind](rules)
}

export function networkInBrief(rules: JobNetworkRules): string {
  return IN_BRIEF[rules.kind](rules)
}
