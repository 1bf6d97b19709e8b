import { allOrNone } from '../../lib/all-or-none.ts'
import type { DockerApi } from './docker-api.ts'
import type { JobNetwork } from './docker-profile.ts'
import type { ServiceContainer } from './docker-service.ts'

/** The services of one job on a network of its own; `start` once, and `remove`. */
export class JobServices {
  readonly network: JobNetwork
  readonly #api: DockerApi
  readonly #containers: readonly ServiceContainer[]

  constructor(api: DockerApi, network: JobNetwork, containers: readonly ServiceContainer[]) {
    this.network = network
    this.#api = api
    this.#containers = containers
  }

  get ids(): readonly string[] {
    return this.#containers.map(({ id }) => id)
  }

  /** Resolves when all are ready; rejects with why the first of them is not. */
  async start(signal: AbortSignal): Promise<void> {
    const starts = this.#containers.map((one) => (either: AbortSignal) => one.start(either))
    await allOrNone(starts, signal)
  }

  async removeContainers(): Promise<void> {
    await Promise.all(this.#containers.map((one) => one.remove()))
  }

  /** Once nothing is connected to it: the job's own containers have to go first. */
  async removeNetwork(): Promise<void> {
    await this.#api.removeNetwork(this.network.network)
  }

  /** Removes all. */
  async remove(): Promise<void> {
    await this.removeContainers()
    await this.removeNetwork()
  }
}
