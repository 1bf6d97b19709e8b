import type { JobId, RepositoryId, RunnerId } from '../ids.ts'
import type { KeptSecret } from '../secret/secret-rules.ts'

/** What runs containers or sandboxes on a runner. `process` isolates nothing; `fake` is for tests. */
export const ENGINES = ['docker', 'bubblewrap', 'process', 'fake'] as const
export type Engine = (typeof ENGINES)[number]

/** Each of them once, without those that this version does not know: a newer runner may have more. */
export function knownEngines(names: readonly string[]): readonly Engine[] {
  const known: readonly string[] = ENGINES
  return [...new Set(names)].filter((name): name is Engine => known.includes(name))
}

/** Whether a runner takes jobs. `set_aside`: it has failed to run them, and is left alone for a while. */
export const RUNNER_STATES = ['online', 'draining', 'offline', 'set_aside'] as const
export type RunnerState = (typeof RUNNER_STATES)[number]

/** A job that waits, as the placement sees it. */
export interface WaitingJob {
  readonly jobId: JobId
  readonly repositoryId: RepositoryId
  readonly image?: string
  /** Whether only a container engine can run it: for its image, that of a step, or services. */
  readonly containers?: boolean
  /** It is not to wait for a container engine that there is not: whoever gets it says so, and it ends. */
  readonly endsWithoutEngine?: boolean
  readonly labels: readonly string[]
  /** Only runners that take strangers' jobs may have it. */
  readonly isStranger?: true
  /** Secrets of it that not every runner may have. */
  readonly secrets?: readonly KeptSecret[]
  /** Epoch milliseconds. */
  readonly queuedAt: number
  /** How many jobs of the pipeline follow on the longest way through `needs`. */
  readonly followers: number
  /** Larger goes first; 0 unless the pipeline says otherwise. */
  readonly priority: number
  /** Runners that could not run it before: one gets it only when no other can, and not before. */
  readonly avoid: readonly { readonly runnerId: RunnerId; readonly until: number }[]
}

/** A runner as the placement sees it, with every slot counted that was promised a moment ago. */
export interface Candidate {
  readonly runnerId: RunnerId
  readonly name: string
  readonly labels: readonly string[]
  readonly engines: readonly Engine[]
  /** Whether its operator lets it run the jobs of strangers. */
  readonly takesStrangers?: boolean
  /** By what it may have secrets that are kept for some runners: its id, and labels that the server grants. */
  readonly grants?: readonly string[]
  readonly slots: number
  /** Slots in use or reserved, at decision time. */
  readonly busy: number
  /** The machine's load from 0 (idle) up to 1 (all processors busy) and beyond. */
  readonly load: number
  readonly state: RunnerState
}

/** What a heuristic may look at besides the job and the runners; all of it given, so it is pure. */
export interface HeuristicContext {
  /** Epoch milliseconds. */
  readonly now: number
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** How many placements were made before this one. */
  readonly turn: number
}

export interface Choice {
  readonly runnerId: RunnerId
  /** Why this one, for a person: "fewest busy slots: 1 of 4". */
  readonly reason: string
}

/** Chooses among runners that all could take the job now; `eligible` is never empty. */
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

/** One placement with its reasons, as it is stored. */
export interface Decision {
  readonly runnerId: RunnerId
  readonly runnerName: string
  readonly heuristic: HeuristicName
  readonly reason: string
  /** The runners that were looked at, 50 at the most, and why each that is out was left out. */
  readonly considered: readonly ConsideredRunner[]
  /** How many more were looked at; absent: none. */
  readonly leftOut?: number
}

export interface ConsideredRunner {
  readonly runnerId: RunnerId
  readonly name: string
  readonly busy: number
  readonly slots: number
  /** Absent: it could have taken the job. */
  readonly refusedBecause?: string
}
