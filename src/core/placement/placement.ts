import type { JobId, RepositoryId, RunnerId } from '../ids.ts'
import type { KeptSecret } from '../secret/secret-rules.ts'

/** What runs jobs on a runner. `process` has no isolation; `fake` is for tests. */
export const ENGINES = ['docker', 'oci', 'bubblewrap', 'process', 'fake'] as const
export type Engine = (typeof ENGINES)[number]

/** Each of them once, without those that this version does not know: a newer runner may have more. */
export function knownEngines(names: readonly string[]): readonly Engine[] {
  const known: readonly string[] = ENGINES
  return [...new Set(names)].filter((name): name is Engine => known.includes(name))
}

/** Only `online` runners take jobs. `set_aside`: quarantined after failures of its own. */
export const RUNNER_STATES = ['online', 'draining', 'offline', 'set_aside'] as const
export type RunnerState = (typeof RUNNER_STATES)[number]

/** A queued job, as placement sees it. */
export interface WaitingJob {
  readonly jobId: JobId
  readonly repositoryId: RepositoryId
  readonly image?: string
  /** Whether it needs a container engine: for its image, that of a step, or services. */
  readonly containers?: boolean
  /** If there is no container engine, it is not to wait: the runner that gets it ends it with the reason. */
  readonly endsWithoutEngine?: boolean
  readonly labels: readonly string[]
  /** Only for runners that take strangers' jobs. */
  readonly isStranger?: true
  /** Its secrets that are restricted to some runners. */
  readonly secrets?: readonly KeptSecret[]
  /** Epoch milliseconds. */
  readonly queuedAt: number
  /** The length of the longest chain of jobs that depend on it. */
  readonly followers: number
  /** Higher first; 0 by default. */
  readonly priority: number
  /** Runners that failed it: such a one gets it only if no other can, and not before `until`. */
  readonly avoid: readonly { readonly runnerId: RunnerId; readonly until: number }[]
}

/** A runner, as placement sees it, including slots that were just reserved. */
export interface Candidate {
  readonly runnerId: RunnerId
  readonly name: string
  readonly labels: readonly string[]
  readonly engines: readonly Engine[]
  /** Whether its operator lets it run strangers' jobs. */
  readonly takesStrangers?: boolean
  /** What admits it to restricted secrets: its id, and labels that the server grants. */
  readonly grants?: readonly string[]
  readonly slots: number
  /** Slots in use or reserved. */
  readonly busy: number
  /** Machine load: 0 is idle, 1 all processors busy; may exceed 1. */
  readonly load: number
  readonly state: RunnerState
}

/** The other inputs of a heuristic, which makes it pure. */
export interface HeuristicContext {
  /** Epoch milliseconds. */
  readonly now: number
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly turn: number
}

export interface Choice {
  readonly runnerId: RunnerId
  /** Why this one: "fewest busy slots: 1 of 4". */
  readonly reason: string
}

/** Chooses among runners that can all take the job now; `eligible` is never empty. */
export type Heuristic = (
  job: WaitingJob,
  eligible: readonly Candidate[],
  context: HeuristicContext,
) => Choice

export const HEURISTICS = [
  'round-robin',
  'random',
  'least-loaded',
  'power-of-two',
  'cache-affinity',
] as const
export type HeuristicName = (typeof HEURISTICS)[number]

/** A placement with its reasons, as stored. */
export interface Decision {
  readonly runnerId: RunnerId
  readonly runnerName: string
  readonly heuristic: HeuristicName
  readonly reason: string
  /** The candidates, at most 50, and why each refused one was refused. */
  readonly considered: readonly ConsideredRunner[]
  /** How many more there were; absent: none. */
  readonly leftOut?: number
}

export interface ConsideredRunner {
  readonly runnerId: RunnerId
  readonly name: string
  readonly busy: number
  readonly slots: number
  /** Absent: it was eligible. */
  readonly refusedBecause?: string
}
