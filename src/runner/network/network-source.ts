import { isProgram } from './commands.ts'
import type { Reach } from './holes.ts'
import type { JobNetworks } from './job-networks.ts'
import { openJobNetworks } from './open-job-networks.ts'
import type { NetworkOptions } from './options.ts'
import { NoNetworks } from './unrouted-networks.ts'

/** Retry interval after a failure on this machine, in milliseconds. */
const RETRY_MS = 60_000

/** The network of a runner's jobs, created in the background once it is needed. */
export class NetworkSource implements AsyncDisposable {
  readonly #options: NetworkOptions
  #opening: Promise<JobNetworks> | undefined
  #known: JobNetworks | undefined
  #openedAt = 0

  constructor(options: NetworkOptions) {
    this.#options = options
  }

  /** As in `JobNetworks`. */
  get trouble(): string {
    void this.getAnew()
    return this.#known?.trouble ?? ''
  }

  /** What the operator opens to all jobs. */
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

  /** Whether programs are missing without which there is none, if one is wanted. */
  async lacksPrograms(): Promise<boolean> {
    if (this.#options.settings.mode !== 'auto') return false
    return (await Promise.all(['nft', 'ip'].map(isProgram))).includes(false)
  }

  /** Tries again if there was none: a program may have been installed since. */
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
  "jobs without an image use the machine's own network (--sandbox-network host): they can reach everything that this machine can, including servers on its loopback"
