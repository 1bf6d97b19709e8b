import type { Happening } from '../event-actions.ts'
import type { RequestFacts } from '../request-facts.ts'

/** What is known about a commit event when its pipeline is planned. */
export interface PlanFacts extends Happening {
  /** The full ref name. */
  readonly ref: string
  readonly sha: string
  /** `owner/name`. */
  readonly repository: string
  /** Hostile text, like the author's name. */
  readonly title: string
  readonly author: string
  readonly isStranger: boolean
  /** The target branch of a pull request, if the forge reported it. */
  readonly targetBranch?: string
  /** Of a pull request, as far as the forge reported it. */
  readonly request?: RequestFacts
  /** The inputs of a manual start; otherwise empty. */
  readonly inputs: Readonly<Record<string, string>>
  /** The requested jobs, by name; absent: all. */
  readonly jobs?: readonly string[]
  /** The step to begin at: its name, or `job/step`; absent: the first. */
  readonly from?: string
  /** The changed paths; absent: not known. */
  readonly changedPaths?: readonly string[]
}

/** A push to `main` and nothing else: to check a file without a commit. */
export const SAMPLE_FACTS: PlanFacts = {
  event: 'push',
  ref: 'refs/heads/main',
  sha: '0'.repeat(40),
  repository: 'owner/name',
  title: '',
  author: '',
  isStranger: false,
  inputs: {},
}

/** The branch that was pushed to, or the target branch of a pull request or a merge group; empty if there is none. */
export function branchOf({ event, ref, targetBranch }: PlanFacts): string {
  if (event === 'pull_request' || event === 'merge_group') return targetBranch ?? ''
  return ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : ''
}

const NO_REQUEST: RequestFacts = {
  labels: [],
  draft: false,
  milestone: '',
  merged: false,
  addedLabels: [],
  removedLabels: [],
  formerBranch: '',
}

/** About a pull request, as far as known; other events have no labels or milestone, and are no drafts. */
export function requestFactsOf({ event, actions, request = {} }: PlanFacts): RequestFacts {
  if (event !== 'pull_request') return NO_REQUEST
  if (!actions) return request
  // What didn't happen is known.
  return {
    ...(actions.includes('closed') ? {} : { merged: false }),
    ...(actions.includes('labeled') ? {} : { addedLabels: [] }),
    ...(actions.includes('unlabeled') ? {} : { removedLabels: [] }),
    formerBranch: '',
    ...request,
  }
}

/** The tag's name; empty if there is none. */
export function tagOf({ ref }: PlanFacts): string {
  return ref.startsWith('refs/tags/') ? ref.slice('refs/tags/'.length) : ''
}
