import { rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContainerWay } from '../../../core/container-way.ts'
import {
  ContainerExecutor,
  type ContainerExecutorOptions,
} from '../containers/container-executor.ts'
import { OciEngine, type OciEngineOptions } from './oci-engine.ts'
import { OciNetworks } from './oci-networks.ts'
import { containerWay } from './runtime/container-way.ts'

export interface OciExecutorOptions
  extends Omit<ContainerExecutorOptions, 'name' | 'engine' | 'jobNetworks' | 'warm'>,
    Omit<OciEngineOptions, 'folder'> {}

/** Runs jobs in containers that the runner starts itself, with crun or runc. */
export class OciExecutor extends ContainerExecutor {
  readonly #engine: OciEngine
  readonly #folder: string

  constructor(options: OciExecutorOptions) {
    // Apart: the executor empties its own folder once the containers of a previous process are removed.
    const engine = new OciEngine({ ...options, folder: join(options.folder, 'containers') })
    const jobNetworks = new OciNetworks(options.networks)
    const folder = join(options.folder, 'control')
    super({ ...options, folder, name: 'oci', engine, jobNetworks })
    this.#engine = engine
    this.#folder = options.folder
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
