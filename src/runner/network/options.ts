import type { Logger } from '../../lib/log.ts'
import type { Reach } from './holes.ts'
import type { Upstream } from './resolver/upstream.ts'

/** What the operator says of the network of jobs. */
export interface NetworkSettings {
  readonly mode: 'auto' | 'host' | 'none'
  readonly privateNetworks: 'allow' | 'deny'
  readonly reach: readonly Reach[]
  /** Ranges that are the inside here, though their addresses are public. */
  readonly alsoPrivate: readonly string[]
}

export interface NetworkOptions {
  readonly settings: NetworkSettings
  /** The runner's name among all on this machine. */
  readonly instance: string
  /** How many jobs run at a time. */
  readonly slots: number
  /** How many namespaces are held ready. */
  readonly ready: number
  /** Whether it is there for long, and so looks after itself. */
  readonly stays: boolean
  readonly log: Logger
  /** The machine's servers for names; for tests. */
  readonly servers?: () => Promise<readonly Upstream[]>
}

export const USUAL_NETWORK: NetworkSettings = {
  mode: 'auto',
  privateNetworks: 'allow',
  reach: [],
  alsoPrivate: [],
}
