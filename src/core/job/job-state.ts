import { present } from '../../lib/present.ts'
import { unreachable } from '../../lib/reach/unreachable.ts'
import type { RunnerId } from '../ids.ts'
import type { Outcome } from '../outcome.ts'

/**
 * The life of a job:
 *
 *     blocked ──ready──▶ queued ──assigned──▶ assigned ──started──▶ running
 *        │                 ▲ │                 │    │                │   │
 *        │                 └─│──────lost───────┘    └───finished─────┤   │
 *        │                   │◀─────lost────────────────────────────┘   │
 *        └────skipped──┐     └──cancelled──┐                       finished
 *                      ▼                   ▼                             │
 *                     finished ◀───────────┴─────────────────────────────┘
 *
 * `cancelled` ends every state but the last, `barred` a queued job that may not be run. `rerun` leads from
 * finished to queued or blocked, with the next attempt. The network duplicates and delays reports: an event
 * that no longer applies returns the very state it was given, so callers write and publish only if
 * `next !== state`.
 */
export type JobState = {
  readonly attempt: number
  readonly since?: number
  /** The user who asked for the current round; absent: nobody, or a user without a name. */
  readonly askedBy?: string
} & (
  | { readonly status: 'blocked' }
  | { readonly status: 'queued'; readonly queuedAt: number }
  | {
      readonly status: 'assigned'
      readonly queuedAt: number
      readonly runnerId: RunnerId
      readonly fence: number
      readonly assignedAt: number
    }
  | {
      readonly status: 'running'
      readonly queuedAt: number
      readonly runnerId: RunnerId
      readonly fence: number
      readonly assignedAt: number
      readonly startedAt: number
    }
  | {
      readonly status: 'finished'
      readonly outcome: Outcome
      /** Why, if the outcome alone doesn't say it. */
      readonly reason?: string
      readonly startedAt?: number
      readonly finishedAt: number
    }
)

export type JobStatus = JobState['status']
export const JOB_STATUSES = [
  'blocked',
  'queued',
  'assigned',
  'running',
  'finished',
] as const satisfies readonly JobStatus[]

/** The first attempt of the current round; a rerun by a person begins a new one. */
export function roundOf(state: JobState): number {
  return state.since ?? 1
}

/** The reporting attempt and its fencing token; a report with another token is stale. */
interface Report {
  readonly attempt: number
  readonly fence: number
}

export type JobEvent =
  | { readonly type: 'ready'; readonly at: number }
  | { readonly type: 'skipped'; readonly reason: string; readonly at: number }
  | {
      readonly type: 'assigned'
      readonly runnerId: RunnerId
      readonly fence: number
      readonly at: number
    }
  | ({ readonly type: 'started'; readonly at: number } & Report)
  | ({
      readonly type: 'finished'
      readonly outcome: Outcome
      readonly reason?: string
      readonly at: number
    } & Report)
  /** The runner rejected the attempt or disconnected before it started: the same attempt is requeued. */
  | ({ readonly type: 'refused'; readonly at: number } & Report)
  /** The runner is lost with the attempt: the next attempt is queued. */
  | ({ readonly type: 'lost'; readonly reason: string; readonly at: number } & Report)
  /** It may not be run: it ends before a runner gets it. */
  | { readonly type: 'barred'; readonly reason: string; readonly at: number }
  | { readonly type: 'cancelled'; readonly reason: string; readonly at: number }
  | {
      readonly type: 'rerun'
      readonly blocked: boolean
      readonly askedBy?: string
      readonly at: number
    }

/** Applies one event; returns the same object if the event doesn't apply. */
export function advanceJob(state: JobState, event: JobEvent): JobState {
  switch (event.type) {
    case 'ready':
      return state.status === 'blocked' ? queued(state, state.attempt, event.at) : state
    case 'skipped':
      return state.status === 'blocked'
        ? finished(state, { outcome: 'skipped', reason: event.reason, at: event.at })
        : state
    case 'assigned':
      return state.status === 'queued'
        ? {
            ...state,
            status: 'assigned',
            runnerId: event.runnerId,
            fence: event.fence,
            assignedAt: event.at,
          }
        : state
    case 'started':
      return state.status === 'assigned' && isCurrent(state, event)
        ? { ...state, status: 'running', startedAt: event.at }
        : state
    case 'finished':
      return isHeld(state) && isCurrent(state, event) ? finished(state, event) : state
    case 'refused':
      return state.status === 'assigned' && isCurrent(state, event)
        ? queued(state, state.attempt, state.queuedAt)
        : state
    case 'lost':
      return isHeld(state) && isCurrent(state, event)
        ? queued(state, state.attempt + 1, event.at)
        : state
    case 'barred':
      return state.status === 'queued'
        ? finished(state, { outcome: 'error', reason: event.reason, at: event.at })
        : state
    case 'cancelled':
      return state.status === 'finished'
        ? state
        : finished(state, { outcome: 'cancelled', reason: event.reason, at: event.at })
    case 'rerun':
      if (state.status !== 'finished') return state
      return rerun(state, event)
    default:
      return unreachable(event)
  }
}

type HeldState = Extract<JobState, { status: 'assigned' | 'running' }>

export function isHeld(state: JobState): state is HeldState {
  return state.status === 'assigned' || state.status === 'running'
}

function isCurrent(state: HeldState, report: Report): boolean {
  return state.attempt === report.attempt && state.fence === report.fence
}

/** Whether this runner has the job under this very attempt. */
export function isHeldBy(state: JobState, runnerId: RunnerId, report: Report): boolean {
  return isHeld(state) && isCurrent(state, report) && state.runnerId === runnerId
}

/** The fields that all states of a round share. */
function round({ since, askedBy }: JobState): Pick<JobState, 'since' | 'askedBy'> {
  return present({ since, askedBy })
}

function queued(state: JobState, attempt: number, queuedAt: number): JobState {
  return { status: 'queued', attempt, ...round(state), queuedAt }
}

function rerun(state: JobState, event: Extract<JobEvent, { type: 'rerun' }>): JobState {
  const { blocked, askedBy, at } = event
  const attempt = state.attempt + 1
  const next = { attempt, since: attempt, ...present({ askedBy }) }
  return blocked ? { status: 'blocked', ...next } : { status: 'queued', ...next, queuedAt: at }
}

function finished(
  state: JobState,
  end: { outcome: Outcome; reason?: string; at: number },
): JobState {
  return {
    status: 'finished',
    attempt: state.attempt,
    ...round(state),
    outcome: end.outcome,
    ...present({
      reason: end.reason || undefined,
      startedAt: state.status === 'running' ? state.startedAt : undefined,
    }),
    finishedAt: end.at,
  }
}
