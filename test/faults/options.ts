import type { Evidence } from './evidence.ts'
import type { Role } from './kinds.ts'
import type { FaultScript } from './script.ts'

/** `attached` runners dial out to the dispatchers, `dialled` ones are dialled by them. */
export type RunnerLinkKind = 'attached' | 'dialled'

/** Servers that somebody else has started, and that no fault may stop. */
export interface GivenServers {
  /** Of an empty database. */
  readonly postgresUrl: string
  /** With a `prefix` of its own. */
  readonly rabbitmqUrl: string
}

/** What is asked of Narwhal; what is left out is as in a run of all faults. */
export interface LoadShape {
  /** How long a job works, in seconds, at least and at most. */
  readonly jobSeconds: readonly [number, number]
  readonly mostJobs: number
  /** The share of jobs that have two steps. */
  readonly twoSteps: number
  /** The share of steps that say nothing between their first and their last words. */
  readonly quiet: number
  /** How many lines a step prints at a time, at the most; 0: it never says anything. */
  readonly mostLines: number
  /** How long people take between two pushes on average, in milliseconds. */
  readonly pushGapMs: number
  /** The share of pipelines that somebody cancels, within so many milliseconds. */
  readonly cancelled: number
  readonly cancelWithinMs: number
  /** The share of webhooks that are delivered twice at the same moment. */
  readonly twice: number
  /** The share of pushes of which another delivery tells again, within so many milliseconds. */
  readonly replayed: number
  readonly replayWithinMs: number
  /** The share of pushes after which the branch is pushed back to one of the commits before. */
  readonly pushedBack: number
}

export interface FaultsOptions {
  readonly seed: number
  /** How long faults are made, in milliseconds; start, quiescence and judgement come on top. */
  readonly durationMs: number
  readonly counts: Readonly<Record<Role, number>>
  /** `NARWHAL_EXECUTOR` of each runner, in turn. */
  readonly executors: readonly string[]
  readonly slots: number
  /** How each runner is reached, in turn. */
  readonly runnerLinks: readonly RunnerLinkKind[]
  /** So long on average between two faults, in milliseconds; 0: none are made. */
  readonly meanGapMs: number
  /** No more commits are pushed while so many pipelines are open. */
  readonly maxOpenPipelines: number
  /** How long after the last fault all pipelines must have ended, in milliseconds. */
  readonly quiescenceMs: number
  /** The checkout whose Narwhal is judged; this one unless told. */
  readonly root: string
  /** Another compiled program of this checkout than the one that its launcher runs. */
  readonly program?: string
  /** Arguments of the command behind its own, by role. */
  readonly extraArgs: Readonly<Partial<Record<Role, readonly string[]>>>
  /** Only these faults, with these weights, instead of all. */
  readonly weights?: Readonly<Record<string, number>>
  /** These faults at these moments, instead of such as come by chance; `durationMs` is the most. */
  readonly script?: FaultScript
  /** The run is over at once when it says yes to what was seen so far: nobody waits for the rest. */
  readonly isEnough?: (seen: Pick<Evidence, 'changes' | 'runs'>) => boolean
  readonly load: Partial<LoadShape>
  /**
   * Whether dispatchers tell where they are reached: then attached runners all go by `others→…`, and
   * else each by its own link.
   */
  readonly advertise: boolean
  /** Instead of servers of its own. */
  readonly servers?: GivenServers
  /** Where the output and the history of a run that broke a promise are kept. */
  readonly artefacts: string
  /** Keep them in any case. */
  readonly keep: boolean
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

const checkout = new URL('../..', import.meta.url).pathname.replace(/\/$/, '')

/** The whole topology for ten minutes, unless told otherwise. */
export function faultsOptions(given: Partial<FaultsOptions> = {}): FaultsOptions {
  return {
    seed: Math.floor(Math.random() * 2 ** 31),
    durationMs: 600_000,
    counts: { agent: 2, dispatcher: 2, runner: 3, web: 2 },
    executors: ['process:'],
    slots: 2,
    runnerLinks: ['attached', 'dialled'],
    meanGapMs: 1_700,
    maxOpenPipelines: 5,
    quiescenceMs: 120_000,
    root: checkout,
    extraArgs: {},
    load: {},
    advertise: true,
    artefacts: `${checkout}/.narwhal/faults`,
    keep: false,
    say: () => undefined,
    signal: new AbortController().signal,
    ...given,
  }
}
