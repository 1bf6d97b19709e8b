import type { FaultKind } from './kinds.ts'

/**
 * Faults that are made one after the other, each at its moment. The trouble is over, and nothing more is
 * pushed, when the last is made and each that ends by itself has ended; what is broken then is healed.
 */
export type FaultScript = readonly ScriptedFault[]

export interface ScriptedFault {
  /** When it is made, seen from the fault before or from the beginning; at once unless told. */
  readonly when?: Moment
  readonly kind: FaultKind
  /** The process, link or service. */
  readonly target: string
  /** When one that lasts ends, seen from its beginning; with the script unless told. */
  readonly until?: Moment
}

/**
 * A moment of a run, told by what has happened, so that it comes on a machine that is far too busy as
 * on one with nothing to do. It has come when all that is given holds.
 */
export interface Moment {
  /** So many more of these have happened since. */
  readonly more?: Readonly<Partial<Record<Happening, number>>>
  /** A step is under way on this runner. */
  readonly runningOn?: string
  /** So long after all that, in milliseconds. */
  readonly afterMs?: number
}

/**
 * `begun`: a step, by its own witness; `acked`: a commit, by the first 2xx of a webhook; `cancelled`: by
 * the answer to who asked for it; `ended`: a pipeline, by the store.
 */
export type Happening = 'begun' | 'acked' | 'cancelled' | 'ended'
