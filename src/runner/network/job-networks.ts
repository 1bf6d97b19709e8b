import type { Audience } from './routed/rules.ts'
import type { JobSegment, SegmentSpec } from './segment.ts'

export interface Connection extends AsyncDisposable {
  /** `job`: the network behind `enter`; `machine`: the machine's own; `none`: a new, empty namespace. */
  readonly kind: 'job' | 'machine' | 'none'
  /** The command prefix for a program in it. */
  readonly enter: readonly string[]
  /** Content of /etc/resolv.conf there; absent: the machine's. */
  readonly resolvConf?: string
  /** For the job's log. */
  readonly notes: readonly string[]
}

/** A place for one job's containers in a container engine of this machine. */
export interface EngineNetwork {
  /** Name of the bridge, by which the rules know it. */
  readonly bridge: string
  readonly subnet: string
  readonly gateway: string
  readonly mtu: number
  readonly resolver: string
}

/**
 * Has the engine create an empty network in this place, as for a job, until its disposal. From now on the
 * lender releases the place, once the engine no longer has the network.
 */
export type LendNetwork = (place: EngineNetwork) => Promise<AsyncDisposable>

/** Connects a runner's jobs to the outside, but not to the machine or to each other. */
export interface JobNetworks extends AsyncDisposable {
  /** Empty while jobs may be started; else what could not be proven, and what to do. */
  readonly trouble: string
  /** For the logs of such jobs in containers: what does not work that should, and what is closed. */
  notesFor(audience: Audience): readonly string[]
  /** Connects a job without containers; rejects with `unavailable` if no network can be made now. */
  connect(audience: Audience): Promise<Connection>
  /**
   * Connects a job in containers of this machine without an engine; rejects as `connect` does, and with
   * `invalid` if services can't be connected here.
   */
  segment(spec: SegmentSpec): Promise<JobSegment>
  /** Resolves if such a job may be started; rejects as `connect` does. */
  check(audience: Audience): Promise<void>
  /**
   * Whether `segment` connects the jobs that are to be connected: `all`, `alone` those without services, or `none`,
   * as something is missing.
   */
  readonly places: 'all' | 'alone' | 'none'
  /** Whether rules of this machine isolate containers, or containers must have no network at all. */
  readonly containers: 'ruled' | 'unruled' | 'none'
  /** Why they are not `ruled`, or why that has not been proven yet. */
  readonly engineTrouble: string
  /** From now on isolation is also proven from the engine's networks; resolves after the first proof. */
  proveEngine(lend: LendNetwork): Promise<void>
  /** Stops that; resolves when nothing is lent any more. */
  leaveEngine(lend: LendNetwork): Promise<void>
  /** Reserves a place for the containers of one job, if they are `ruled`; released by its bridge. */
  reserve(audience: Audience): Promise<EngineNetwork>
  release(bridge: string): void
}

export function noConnection(note: string): Connection {
  return {
    kind: 'none',
    enter: [],
    notes: note === '' ? [] : [note],
    [Symbol.asyncDispose]: async () => {},
  }
}
