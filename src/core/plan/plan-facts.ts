import type { EventKind } from '../commit-event.ts'

/** What is known of a commit event when its pipeline is planned. */
export interface PlanFacts {
  readonly event: EventKind
  /** The full ref name. */
  readonly ref: string
  readonly sha: string
  /** `owner/name`. */
  readonly repository: string
  /** Hostile text, as the author's name is. */
  readonly title: string
  readonly author: string
  readonly isStranger: boolean
  /** The branch that a pull request wants into, where the forge has told it. */
  readonly targetBranch?: string
  /** What the person gave who started it by hand; empty for all other events. */
  readonly inputs: Readonly<Record<string, string>>
  /** The jobs that were asked for, by their names in the file; absent: all. */
  readonly jobs?: readonly string[]
  /** The step that it begins with: its name, or `job/step`; absent: from the beginning. */
  readonly from?: string
  /** The paths that differ from what was there before; absent: not known. */
  readonly changedPaths?: readonly string[]
}

/** A push to `main` of which nothing else is known: for looking at a file without a commit. */
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

/** The branch that was pushed to, or that a pull request wants into; empty where there is none. */
export function branchOf({ event, ref, targetBranch }: PlanFacts): string {
  if (event === 'pull_request') return targetBranch ?? ''
  return ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : ''
}

/** The tag's name; empty where there is none. */
export function tagOf({ ref }: PlanFacts): string {
  return ref.startsWith('refs/tags/') ? ref.slice('refs/tags/'.length) : ''
}
