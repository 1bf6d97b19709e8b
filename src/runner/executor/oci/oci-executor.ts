import { rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContainerWay } from '../../../core/container-way.ts'
import type { NetworkSource } from '../../network/network-source.ts'
import type { OwnContainers } from '../auto/own-containers.ts'
import {
  ContainerExecutor,
  type ContainerExecutorOptions,
} from '../containers/container-executor.ts'
import type { SandboxSpec } from '../executor.ts'
import { OciEngine, type OciEngineOptions } from './oci-engine.ts'
import { OciNetworks } from './oci-networks.ts'
import { containerWay } from './runtime/container-way.ts'

export interface OciExecutorOptions
  extends Omit<
      ContainerExecutorOptions,
      'name' | 'engine' | 'jobNetworks' | 'warm' | 'runnerIsRoot'
    >,
    Omit<OciEngineOptions, 'folder'> {}

/** Runs jobs in containers that the runner starts itself, with crun or runc. */
export class OciExecutor extends ContainerExecutor implements OwnContainers {
  readonly #engine: OciEngine
  readonly #folder: string
  readonly #source: NetworkSource

  constructor(options: OciExecutorOptions) {
    // Apart: the executor empties its own folder once the containers of a previous process are removed.
    const engine = new OciEngine({ ...options, folder: join(options.folder, 'containers') })
    const jobNetworks = new OciNetworks(options.networks)
    const folder = join(options.folder, 'control')
    // The engine gives workspaces to whoever is root in a container, and takes them back.
    super({ ...options, folder, name: 'oci', engine, jobNetworks, runnerIsRoot: true })
    this.#engine = engine
    this.#folder = options.folder
    this.#source = options.networks
  }

  get hasUserNamespace(): boolean {
    return this.#engine.found?.idMap !== undefined
  }

  async canConnect({ network, services }: Pick<SandboxSpec, 'network' | 'services'>) {
    if (network === 'none') return true
    const { places } = await this.#source.get()
    return places === 'all' || (places === 'alone' && !services?.length)
  }

  get containers(): ContainerWay | undefined {
    const { found } = this.#engine
    return found && containerWay(found)
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]()
    await this.#engine[Symbol.asyncDispose]()
    await rmdir(this.#folder).catch(() => {})
  }
}
