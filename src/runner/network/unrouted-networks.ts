import { NarwhalError } from '../../lib/errors.ts'
import {
  type Connection,
  type EngineNetwork,
  type JobNetworks,
  noConnection,
} from './job-networks.ts'
import type { Audience } from './routed/rules.ts'

/** What jobs get if this machine makes no rules for them. */
export abstract class UnroutedNetworks implements JobNetworks {
  readonly trouble = ''
  abstract readonly containers: 'unruled' | 'none'
  readonly engineTrouble: string

  constructor(why: string) {
    this.engineTrouble = why
  }

  abstract connect(audience: Audience): Promise<Connection>

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

  /** `why` says what is missing, and what to do. */
  constructor(cause: NoNetworks['cause'], why: string) {
    super(why)
    this.cause = cause
    this.containers = cause === 'wanted' ? 'none' : 'unruled'
  }

  async connect(): Promise<Connection> {
    return noConnection(`this job has no network: ${this.engineTrouble}`)
  }
}

/** The machine's own network, as the operator wants: nothing is closed. Strangers have none. */
export class MachineNetworks extends UnroutedNetworks {
  readonly containers = 'unruled'

  constructor() {
    super('the runner was started with --sandbox-network host')
  }

  async connect(audience: Audience): Promise<Connection> {
    if (audience === 'strangers') {
      return noConnection(
        "this job has no network: a stranger's job never gets the machine's own (--sandbox-network host)",
      )
    }
    return { kind: 'machine', enter: [], notes: [], [Symbol.asyncDispose]: async () => {} }
  }
}
