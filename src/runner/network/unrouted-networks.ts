import { NarwhalError } from '../../lib/errors.ts'
import {
  type Connection,
  type EngineNetwork,
  type JobNetworks,
  noConnection,
} from './job-networks.ts'
import type { Audience } from './routed/rules.ts'
import type { JobSegment, SegmentSpec } from './segment.ts'
import { ClosedSegments, emptySegment } from './segments/closed-segments.ts'

/** What jobs get if this machine makes no rules for them. */
export abstract class UnroutedNetworks implements JobNetworks {
  readonly trouble = ''
  abstract readonly containers: 'unruled' | 'none'
  abstract readonly places: JobNetworks['places']
  readonly engineTrouble: string

  constructor(why: string) {
    this.engineTrouble = why
  }

  abstract connect(audience: Audience): Promise<Connection>

  abstract segment(spec: SegmentSpec): Promise<JobSegment>

  async check(): Promise<void> {}

  notesFor(): readonly string[] {
    return []
  }

  async reserve(): Promise<EngineNetwork> {
    throw new NarwhalError('internal', 'there are no rules for the networks of containers here')
  }

  release(): void {}

  async proveEngine(): Promise<void> {}

  async leaveEngine(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** No network for jobs without containers, since none can be made that is isolated. */
export class NoNetworks extends UnroutedNetworks {
  readonly containers: 'unruled' | 'none'
  /** How it may change: when a program is installed, when the machine changes, or never. */
  readonly cause: 'missing' | 'refused' | 'wanted'
  readonly #closed: ClosedSegments

  /** `why` says what is missing, and what to do. */
  constructor(cause: NoNetworks['cause'], why: string, instance: string) {
    super(why)
    this.cause = cause
    this.#closed = new ClosedSegments(instance, { sweeps: true })
    this.containers = cause === 'wanted' ? 'none' : 'unruled'
  }

  async connect(): Promise<Connection> {
    return noConnection(this.#note)
  }

  async segment(spec: SegmentSpec): Promise<JobSegment> {
    return await this.#closed.open(spec, spec.reach === 'none' ? [] : [this.#note])
  }

  get places(): JobNetworks['places'] {
    return this.cause === 'wanted' ? 'all' : 'none'
  }

  get #note(): string {
    return `this job has no network: ${this.engineTrouble}`
  }
}

/** The machine's own network, as the operator wants: nothing is closed. Strangers have none. */
export class MachineNetworks extends UnroutedNetworks {
  readonly containers = 'unruled'
  readonly places = 'alone'
  readonly #closed: ClosedSegments

  constructor(instance: string) {
    super('the runner was started with --sandbox-network host')
    this.#closed = new ClosedSegments(instance, { sweeps: true })
  }

  async connect(audience: Audience): Promise<Connection> {
    if (audience === 'strangers') return noConnection(NEVER_STRANGERS)
    return { kind: 'machine', enter: [], notes: [], [Symbol.asyncDispose]: async () => {} }
  }

  async segment(spec: SegmentSpec): Promise<JobSegment> {
    const { audience, reach, hostname, services } = spec
    if (reach === 'none') return await this.#closed.open(spec)
    if (audience === 'strangers') return await this.#closed.open(spec, [NEVER_STRANGERS])
    if (services.length === 0) return await emptySegment(hostname, [], 'machine')
    throw new NarwhalError(
      'invalid',
      'services need a network of their own: start the runner without --sandbox-network host, or give the job `network: none`',
    )
  }
}

const NEVER_STRANGERS =
  "this job has no network: a stranger's job never gets the machine's own (--sandbox-network host)"
