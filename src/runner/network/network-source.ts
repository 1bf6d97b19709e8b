import type { Reach } from './holes.ts'
import type { JobNetworks } from './job-networks.ts'
import { openJobNetworks } from './open-job-networks.ts'
import type { NetworkOptions } from './options.ts'
import { NoNetworks } from './unrouted-networks.ts'

/** What failed on this machine is tried again after so long, in milliseconds. */
const RETRY_MS = 60_000

/** The network of a runner's jobs, made in the background once somebody will need it. */
export class NetworkSource implements AsyncDisposable {
  readonly #options: NetworkOptions
  #opening: Promise<JobNetworks> | undefined
  #known: JobNetworks | undefined
  #openedAt = 0

  constructor(options: NetworkOptions) {
    this.#options = options
  }

  /** What is known against it by now; see `JobNetworks`. */
  get trouble(): string {
    void this.getAnew()
    return this.#known?.trouble ?? ''
  }

  /** What the operator lets all jobs reach. */
  get reach(): readonly Reach[] {
    return this.#options.settings.reach
  }

  get(): Promise<JobNetworks> {
    if (!this.#opening && this.#options.settings.mode === 'host') {
      this.#options.log.warn(HOST_WARNING)
    }
    this.#opening ??= this.#open()
    return this.#opening
  }

  /** Where there was none, there may be one by now: a program may have been installed. */
  async getAnew(): Promise<JobNetworks> {
    const known = await this.get()
    if (!(known instanceof NoNetworks) || known.cause === 'wanted') return known
    if (known.cause === 'refused' && performance.now() < this.#openedAt + RETRY_MS) return known
    if (known !== this.#known) return this.get()
    this.#known = undefined
    this.#opening = this.#open()
    return this.#opening
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const networks = await this.#opening
    await networks?.[Symbol.asyncDispose]()
  }

  async #open(): Promise<JobNetworks> {
    const networks = await openJobNetworks(this.#options)
    this.#openedAt = performance.now()
    this.#known = networks
    return networks
  }
}

const HOST_WARNING =
  "jobs without an image use the machine's own network (--sandbox-network host): they reach all that this machine reaches, also what listens on its loopback"
