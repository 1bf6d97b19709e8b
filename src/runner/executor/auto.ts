import { join } from 'node:path'
import type { Engine } from '../../core/placement/placement.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { DockerExecutor, type DockerExecutorOptions } from './docker/docker-executor.ts'
import type { Executor, Sandbox, SandboxSpec, TakenSandbox } from './executor.ts'
import { containersWanted, noEngine } from './refuse-containers.ts'

export interface AutoExecutorOptions {
  /** Addresses where a container engine may be, in order of preference. */
  readonly hosts: readonly string[]
  readonly docker: Omit<DockerExecutorOptions, 'host'>
  readonly bubblewrap: Executor
}

/**
 * Uses what the machine has: jobs with an image go to the first container engine that answers, jobs without
 * one to bubblewrap if it works, else to the engine with the default image. A new engine is noticed by the
 * next job that needs it and by `probe`; a missing one fails each job that needs it.
 */
export class AutoExecutor implements Executor {
  readonly #options: AutoExecutorOptions
  /** By host; kept for their sandboxes, whether the engine answers or not. */
  readonly #docker = new Map<string, DockerExecutor>()
  #engines: readonly Engine[] = []

  constructor(options: AutoExecutorOptions) {
    this.#options = options
    for (const [index, host] of options.hosts.entries()) {
      // Each deletes everything in its folder once its leftover containers are removed.
      const folder = join(options.docker.folder, `engine-${index}`)
      this.#docker.set(host, new DockerExecutor({ ...options.docker, folder, host }))
    }
  }

  /** From the last probe. */
  get engines(): readonly Engine[] {
    return this.#engines
  }

  async probe(): Promise<string> {
    const [trouble, docker] = await Promise.all([
      this.#options.bubblewrap.probe(),
      this.#findDocker(),
    ])
    this.#engines = [
      ...(docker ? (['docker'] as const) : []),
      ...(trouble === '' ? (['bubblewrap'] as const) : []),
    ]
    if (this.#engines.length > 0) return ''
    // A failure that both have in common: then an engine that answers is no use either.
    const { trouble: common } = this.#options.docker.networks
    if (common !== '') return common
    return `jobs can't run on this machine: ${trouble}; and ${this.#noEngine()}`
  }

  async open(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    const wanted = containersWanted(spec)
    // A stranger's code never runs over the machine's own root file system, whatever narwhal.yml says.
    if (
      wanted === undefined &&
      !spec.isStranger &&
      (await this.#options.bubblewrap.probe()) === ''
    ) {
      return this.#options.bubblewrap.open(spec, signal)
    }
    const docker = await this.#findDocker()
    if (docker) return docker.open(spec, signal)
    this.#engines = this.#engines.filter((engine) => engine !== 'docker')
    if (wanted === undefined && !spec.isStranger)
      throw new NarwhalError('unavailable', await this.probe())
    const who = wanted ?? "a stranger's job needs"
    throw noEngine(`${who} a container engine: ${this.#noEngine()}`)
  }

  take(spec: Omit<SandboxSpec, 'workspace'>): TakenSandbox | undefined {
    // Whether bubblewrap will take a job without an image can't be known without waiting.
    if (containersWanted(spec) === undefined && !spec.isStranger) return undefined
    for (const docker of this.#docker.values()) {
      const taken = docker.take(spec)
      if (taken) return taken
    }
    return undefined
  }

  /** Removes the containers that a previous process of this instance left behind. */
  async reap(): Promise<number> {
    return (await (await this.#findDocker())?.reap()) ?? 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const parts = [...this.#docker.values(), this.#options.bubblewrap]
    await Promise.all(parts.map((part) => part[Symbol.asyncDispose]()))
  }

  async #findDocker(): Promise<DockerExecutor | undefined> {
    for (const docker of this.#docker.values()) {
      if ((await docker.probe()) === '') return docker
    }
    return undefined
  }

  #noEngine(): string {
    return `no container engine answers at ${this.#options.hosts.join(' or ')}: start Docker or Podman (apt-get install docker.io), or set DOCKER_HOST`
  }
}
