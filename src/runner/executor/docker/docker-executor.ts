import {
  ContainerExecutor,
  type ContainerExecutorOptions,
} from '../containers/container-executor.ts'
import { parseEngineAddress } from './engine/docker-address.ts'
import { DockerApi } from './engine/docker-api.ts'
import { DockerEngine } from './engine/docker-engine.ts'
import { isOnlyHere } from './engine/docker-images.ts'
import { DockerNetworks } from './engine/docker-networks.ts'

export interface DockerExecutorOptions
  extends Omit<ContainerExecutorOptions, 'name' | 'engine' | 'jobNetworks'> {
  /** `unix:///var/run/docker.sock` or `tcp://host:port`; Docker's or Podman's. */
  readonly host: string
  /** Unique among the runners of this engine; leftovers are found by it. */
  readonly instance: string
}

/** Runs jobs in containers of the Docker Engine, or of Podman; throws `invalid` for a malformed address. */
export class DockerExecutor extends ContainerExecutor {
  readonly #api: DockerApi

  constructor(options: DockerExecutorOptions) {
    const api = new DockerApi(parseEngineAddress(options.host))
    const { instance, networks } = options
    const engine = new DockerEngine(api, { instance, reach: networks.reach })
    const jobNetworks = new DockerNetworks(api, options)
    super({ ...options, name: 'docker', engine, jobNetworks })
    this.#api = api
  }

  /** Whether the engine has an image that comes from no registry, by its full reference. */
  hasOnlyHere(reference: string): Promise<boolean> {
    return isOnlyHere(this.#api, reference)
  }
}
