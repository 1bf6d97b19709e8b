import { join } from 'node:path'
import { DockerExecutor, type DockerExecutorOptions } from '../docker/docker-executor.ts'
import type { SandboxSpec, TakenSandbox } from '../executor.ts'

export interface DockerEnginesOptions {
  /** Addresses where a container engine may be, in order of preference. */
  readonly hosts: readonly string[]
  readonly docker: Omit<DockerExecutorOptions, 'host'>
}

/** The container engines of a machine, of which the first that answers is used. */
export class DockerEngines implements AsyncDisposable {
  readonly #hosts: readonly string[]
  /** By host; kept for their sandboxes, whether the engine answers or not. */
  readonly #executors: ReadonlyMap<string, DockerExecutor>
  /** Of the last that was found. */
  #host: string | undefined

  constructor({ hosts, docker }: DockerEnginesOptions) {
    this.#hosts = hosts
    this.#executors = new Map(
      hosts.map((host, index) => {
        // Each deletes everything in its folder once its leftover containers are removed.
        const folder = join(docker.folder, `engine-${index}`)
        return [host, new DockerExecutor({ ...docker, folder, host })]
      }),
    )
  }

  async find(): Promise<DockerExecutor | undefined> {
    for (const [host, executor] of this.#executors) {
      if ((await executor.probe()) !== '') continue
      this.#host = host
      return executor
    }
    this.#host = undefined
    return undefined
  }

  /** The address of the one that was found last; undefined if none answered. */
  get host(): string | undefined {
    return this.#host
  }

  take(spec: Omit<SandboxSpec, 'workspace'>): TakenSandbox | undefined {
    for (const executor of this.#executors.values()) {
      const taken = executor.take(spec)
      if (taken) return taken
    }
    return undefined
  }

  /** What to do if none answers. */
  get trouble(): string {
    return `no container engine answers at ${this.#hosts.join(' or ')}: start Docker or Podman (apt-get install docker.io), or set DOCKER_HOST`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#executors.values()]
    await Promise.all(all.map((one) => one[Symbol.asyncDispose]()))
  }
}
