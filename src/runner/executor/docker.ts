import { randomBytes } from 'node:crypto'
import { rmdir } from 'node:fs/promises'
import { type ImageReference, parseImageReference } from '../../core/image-reference.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { removeFolder } from '../remove-folder.ts'
import { SharedTasks } from '../shared-tasks.ts'
import { parseEngineAddress } from './docker-address.ts'
import { DockerApi } from './docker-api.ts'
import { type EngineTraits, JobContainer, tidyWorkspace } from './docker-container.ts'
import { ContainerFolder } from './docker-folder.ts'
import { containerSettings, RUNNER_LABEL } from './docker-profile.ts'
import { DockerSandbox } from './docker-sandbox.ts'
import type { Executor, Sandbox, SandboxSpec } from './executor.ts'

export interface DockerExecutorOptions {
  /** `unix:///var/run/docker.sock` or `tcp://host:port`; Docker's or Podman's. */
  readonly host: string
  /** The runner's name among all that use this engine; what it left behind is found by it. */
  readonly instance: string
  /**
   * A folder of its own, for what the sandboxes need; the engine must see it under the same path. What
   * is in it when a former process's containers are removed goes with them.
   */
  readonly folder: string
  /** How steps get into the containers; found out unless told. */
  readonly steps?: 'exec'
  /** For jobs that name no image. */
  readonly defaultImage?: string
  /** Whether this process is root, and so can remove what the container's root wrote. */
  readonly runnerIsRoot: boolean
  readonly log: Logger
}

/**
 * Jobs in containers of the Docker Engine, one container each, in which a supervisor runs the steps
 * (docker-supervisor.ts). What it is allowed stands in docker-profile.ts. The engine may come and go between calls: nothing of it
 * is held but ids.
 */
export class DockerExecutor implements Executor {
  readonly engines = ['docker'] as const
  readonly #api: DockerApi
  readonly #options: DockerExecutorOptions
  readonly #pulls = new SharedTasks<void>()
  readonly #closing = new AbortController()
  readonly #opening = new Set<Promise<Sandbox>>()
  readonly #sandboxes = new Set<DockerSandbox>()
  readonly #traits: EngineTraits
  /** Before the first container is made, what a former process of this name left is removed. */
  #reaped: Promise<number> | undefined

  /** Throws NarwhalError `invalid` for an address or a default image that can't be right. */
  constructor(options: DockerExecutorOptions) {
    this.#api = new DockerApi(parseEngineAddress(options.host))
    this.#options = options
    this.#traits = { fifos: options.steps === 'exec' ? 'fail' : 'unknown' }
    if (options.defaultImage !== undefined) parseImageReference(options.defaultImage)
  }

  async probe(): Promise<string> {
    try {
      await this.#api.ping()
      this.#removeClosed()
      return ''
    } catch (error) {
      return NarwhalError.from(error).message
    }
  }

  open(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    const opening = this.#open(spec, AbortSignal.any([signal, this.#closing.signal]))
    this.#opening.add(opening)
    const done = () => void this.#opening.delete(opening)
    opening.then(done, done)
    return opening
  }

  /**
   * Removes the containers that a former process of this instance left behind, as after a `kill -9`,
   * and what they wrote into their workspaces where the runner can't. Resolves to their number.
   */
  reap(): Promise<number> {
    this.#reaped ??= this.#reap().catch((error: unknown) => {
      this.#reaped = undefined
      throw error
    })
    return this.#reaped
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new NarwhalError('cancelled', 'the runner is stopping'))
    await Promise.allSettled(this.#opening)
    const told = (error: unknown) => {
      const reason = describeError(error)
      this.#options.log.warn({ reason }, 'a container stays until the next start of this runner')
    }
    const sandboxes = [...this.#sandboxes]
    await Promise.all(sandboxes.map((one) => one[Symbol.asyncDispose]().catch(told)))
    // What could not be removed still needs its own.
    await rmdir(this.#options.folder).catch(() => {})
  }

  async #open(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    const image = this.#imageOf(spec)
    signal.throwIfAborted()
    await this.reap()
    this.#removeClosed()
    const folder = await ContainerFolder.make(this.#options.folder)
    const container = await this.#create(image, { ...spec, folder }, signal).catch(
      async (error: unknown) => {
        await folder.remove()
        throw error
      },
    )
    const sandbox = this.#keep(container, spec)
    try {
      signal.throwIfAborted()
      await container.start()
      signal.throwIfAborted()
      return sandbox
    } catch (error) {
      await sandbox[Symbol.asyncDispose]().catch(() => {})
      throw error
    }
  }

  #imageOf(spec: SandboxSpec): ImageReference {
    const image = spec.image ?? this.#options.defaultImage
    if (image !== undefined) return parseImageReference(image)
    throw new NarwhalError(
      'invalid',
      "this job names no image, and the runner's Docker executor has no default image: add `image:` to narwhal.yml, or set NARWHAL_DEFAULT_IMAGE",
    )
  }

  /** The engine knows best whether it has the image: creating is tried first, and again after a pull. */
  async #create(
    image: ImageReference,
    spec: SandboxSpec & { readonly folder: ContainerFolder },
    signal: AbortSignal,
  ): Promise<JobContainer> {
    const { folder } = spec
    const mounted = { ...spec, control: folder.control }
    const settings = containerSettings(image.full, mounted, this.#options)
    const name = containerName(spec.name)
    const made = (id: string) => this.#container(id, image.full, folder)
    // Never aborted half-way: a container that nobody knows of would stay.
    const created = await this.#api.createContainer(name, settings)
    if (created !== undefined) return made(created)
    await this.#pulls.join(image.full, signal, (stop) => this.#api.pullImage(image, stop))
    const retried = await this.#api.createContainer(name, settings)
    if (retried !== undefined) return made(retried)
    throw new NarwhalError('not_found', `image ${image.full} was removed right after its pull`)
  }

  #container(id: string, image: string, folder: ContainerFolder): JobContainer {
    const mustTidy = !this.#options.runnerIsRoot
    return new JobContainer({ api: this.#api, id, image, folder, traits: this.#traits, mustTidy })
  }

  /** Holds a sandbox until its container is gone. */
  #keep(container: JobContainer, spec: SandboxSpec): DockerSandbox {
    const onRemoved = () => void this.#sandboxes.delete(sandbox)
    const sandbox: DockerSandbox = new DockerSandbox({ container, spec, onRemoved })
    this.#sandboxes.add(sandbox)
    return sandbox
  }

  /** Tries again where the engine was away when a job ended. */
  #removeClosed(): void {
    for (const sandbox of this.#sandboxes) {
      if (sandbox.closed) void sandbox[Symbol.asyncDispose]().catch(() => {})
    }
  }

  async #reap(): Promise<number> {
    const ids = await this.#api.listContainers(RUNNER_LABEL, this.#options.instance)
    for (const id of ids) {
      if (!this.#options.runnerIsRoot) await tidyWorkspace(this.#api, id).catch(() => {})
      await this.#api.removeContainer(id)
    }
    await removeFolder(this.#options.folder)
    if (ids.length > 0) this.#options.log.info({ count: ids.length }, 'removed leftover containers')
    return ids.length
  }
}

/** Readable in `docker ps`, unlike any other, and of the characters that the engine takes. */
function containerName(name: string): string {
  const word = name.replaceAll(/[^A-Za-z0-9_.-]+/g, '-').slice(0, 80)
  return `narwhal-${word}-${randomBytes(4).toString('hex')}`
}
