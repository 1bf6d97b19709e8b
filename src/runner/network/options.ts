import type { Logger } from '../../lib/log.ts'
import type { Reach } from './holes.ts'
import type { Upstream } from './resolver/upstream.ts'

/** The operator's settings for the network of jobs. */
export interface NetworkSettings {
  readonly mode: 'auto' | 'host' | 'none'
  readonly privateNetworks: 'allow' | 'deny'
  readonly reach: readonly Reach[]
  /** Ranges of public addresses that count as private here. */
  readonly alsoPrivate: readonly string[]
}

export interface NetworkOptions {
  readonly settings: NetworkSettings
  /** Unique name of the runner on this machine. */
  readonly instance: string
  /** How many jobs run concurrently. */
  readonly slots: number
  /** How many namespaces are kept ready. */
  readonly ready: number
  /** How many containers are kept ready; each has a network. */
  readonly warmSandboxes: number
  /** Whether it is long-lived, and so watches and repairs itself. */
  readonly stays: boolean
  readonly log: Logger
  /** The machine's name servers; for tests. */
  readonly servers?: () => Promise<readonly Upstream[]>
}

export const USUAL_NETWORK: NetworkSettings = {
  mode: 'auto',
  privateNetworks: 'allow',
  reach: [],
  alsoPrivate: [],
}
