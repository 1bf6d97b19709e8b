import type { Audience } from './routed/rules.ts'

/** How the processes of one job are connected. */
export interface Connection extends AsyncDisposable {
  /**
   * `job`: by what `enter` leads into; `machine`: by the machine's own network; `none`: they must get
   * a network of their own with nothing in it.
   */
  readonly kind: 'job' | 'machine' | 'none'
  /** What a program is started through: it comes before the command. */
  readonly enter: readonly string[]
  /** What /etc/resolv.conf has to say there; absent: as on the machine. */
  readonly resolvConf?: string
  /** What the job's log has to say of it. */
  readonly notes: readonly string[]
}

/** Where a container engine of this machine may put the containers of one job. */
export interface EngineNetwork {
  /** Of the bridge; the rules know it by its name. */
  readonly bridge: string
  readonly subnet: string
  readonly gateway: string
  readonly mtu: number
  /** The server for names. */
  readonly resolver: string
}

/**
 * Has the engine create an empty network in this place, as for a job, until its disposal. The place is released
 * by the lender from now on, once the engine no longer has the network.
 */
export type LendNetwork = (place: EngineNetwork) => Promise<AsyncDisposable>

/**
 * Connects jobs to the outside and to nothing of the machine, nor to each other: one for a runner, for all
 * its ways to run jobs.
 */
export interface JobNetworks extends AsyncDisposable {
  /** Empty while jobs may be started; else what could not be proven, and what to do, in words. */
  readonly trouble: string
  /** What the logs of such jobs in containers have to say: what does not work that should, and what is closed. */
  notesFor(audience: Audience): readonly string[]
  /** Of a job without containers; rejects `unavailable` when there is none to be had now. */
  connect(audience: Audience): Promise<Connection>
  /** Resolves when such a job may be started; rejects as `connect` does. */
  check(audience: Audience): Promise<void>
  /** Whether containers are kept from things by rules of this machine, or must have no network at all. */
  readonly containers: 'ruled' | 'unruled' | 'none'
  /** Why they are not `ruled`; or why that could not be proven by now. */
  readonly engineTrouble: string
  /** From now on what is closed is tried from the engine's networks as well; resolves when it has been. */
  proveEngine(lend: LendNetwork): Promise<void>
  /** Takes that back; resolves when nothing is lent any more. */
  leaveEngine(lend: LendNetwork): Promise<void>
  /** A place for the containers of one job, where they are `ruled`; given back by its bridge. */
  reserve(audience: Audience): Promise<EngineNetwork>
  release(bridge: string): void
}

/** A connection to nothing. */
export function noConnection(note: string): Connection {
  return {
    kind: 'none',
    enter: [],
    notes: note === '' ? [] : [note],
    [Symbol.asyncDispose]: async () => {},
  }
}
