import type { JobNetworkRules } from '../../core/job-network.ts'

type Words = Readonly<Record<JobNetworkRules['kind'], (rules: JobNetworkRules) => string>>

const IN_FULL: Words = {
  rules: ({ deniesPrivate, holes, alsoPrivate }) => {
    const whom = deniesPrivate
      ? 'closed to all jobs (--private-networks deny)'
      : 'open to jobs, and closed to strangers’'
    const but = holes.length > 0 ? `, but for ${holes.join(', ')} (--reach)` : ''
    const also =
      alsoPrivate.length > 0
        ? ` Private here, too: ${alsoPrivate.join(', ')} (--also-private).`
        : ''
    return `Private networks are ${whom}${but}.${also}`
  },
  user: ({ deniesPrivate }) =>
    deniesPrivate
      ? 'No job in bubblewrap has a network: private ones are to be closed (--private-networks deny), which takes a runner that is root.'
      : 'Private networks are open: closing them takes a runner that is root. Strangers’ jobs have no network.',
  host: () =>
    'Jobs have the machine’s own network, with nothing closed (--sandbox-network host); strangers’ jobs have none.',
  none: () => 'No job has a network (--sandbox-network none).',
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
