import { rmdir } from 'node:fs/promises'
import { freemem, totalmem } from 'node:os'
import { isDeepStrictEqual } from 'node:util'
import { type ImageReference, parseImageReference } from '../../../core/image-reference.ts'
import { allOrNone } from '../../../lib/async/all-or-none.ts'
import { describeError, NarwhalError } from '../../../lib/errors.ts'
import type { Logger } from '../../../lib/log.ts'
import { present } from '../../../lib/present.ts'
import { removeFolder } from '../../../lib/remove-folder.ts'
import type { NetworkSource } from '../../network/network-source.ts'
import type { Executor, Sandbox, SandboxLimits, SandboxSpec, TakenSandbox } from '../executor.ts'
import { tidyWorkspace } from './docker-container.ts'
import { ContainerMaker, type JobContainers } from './docker-maker.ts'
import { DockerSandbox } from './docker-sandbox.ts'
import { parseEngineAddress } from './engine/docker-address.ts'
import { DockerApi } from './engine/docker-api.ts'
import { imagesOf } from './engine/docker-images.ts'
import { DockerNetworks } from './engine/docker-networks.ts'
import { limitSettings, RUNNER_LABEL } from './engine/docker-profile.ts'
import { ImageUse } from './warm/image-use.ts'
import { warmKey } from './warm/warm-kind.ts'
import { type WarmContainer, WarmPool } from './warm/warm-pool.ts'

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
  /**
   * How long a first container may be silent before its FIFOs are held to be out of reach, in
   * milliseconds; ten seconds unless told.
   */
  readonly firstWordMs?: number
  /** How many sandboxes to start ahead of their jobs, and with what limits; none unless told. */
  readonly warm?: { readonly size: number; readonly limits: SandboxLimits }
  /** For jobs that name no image. */
  readonly defaultImage?: string
  /** Whether this process is root, and so can remove what the container's root wrote. */
  readonly runnerIsRoot: boolean
  readonly log: Logger
  /** How jobs are connected; the caller's to dispose, after this. */
  readonly networks: NetworkSource
}

/**
 * Jobs in containers of the Docker Engine: one for the steps, in which a supervisor runs them
 * (docker-supervisor.ts), one for each further image that a step names, and one for each service. What it is allowed stands in docker-profile.ts. Some are started ahead of their
 * jobs, each for one (warm-pool.ts). The engine may come and go between calls: nothing of it is held
 * but ids.
 */
export class DockerExecutor implements Executor {
  readonly engines = ['docker'] as const
  readonly #api: DockerApi
  readonly #options: DockerExecutorOptions
  readonly #closing = new AbortController()
  readonly #opening = new Set<Promise<Sandbox>>()
  readonly #sandboxes = new Set<DockerSandbox>()
  readonly #maker: ContainerMaker
  readonly #networks: DockerNetworks
  #warm: { readonly uses: ImageUse; readonly pool: WarmPool } | undefined
  /** Before the first container is made, what a former process of this name left is removed. */
  #reaped: Promise<number> | undefined

  /** Throws NarwhalError `invalid` for an address or a default image that can't be right. */
  constructor(options: DockerExecutorOptions) {
    this.#api = new DockerApi(parseEngineAddress(options.host))
    this.#options = options
    this.#networks = new DockerNetworks(this.#api, options)
    this.#maker = new ContainerMaker(this.#api, this.#networks, options)
    if (options.defaultImage !== undefined) parseImageReference(options.defaultImage)
  }

  async probe(): Promise<string> {
    try {
      await this.#api.ping()
      this.#removeClosed()
      this.#warm?.pool.tend()
      return this.#options.networks.trouble
    } catch (error) {
      return NarwhalError.from(error).message
    }
  }

  open(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    return this.#track(this.#open(spec, AbortSignal.any([signal, this.#closing.signal])))
  }

  take(spec: Omit<SandboxSpec, 'workspace'>): TakenSandbox | undefined {
    // What waits is in no company.
    if (spec.services?.length) return undefined
    const named = spec.image ?? this.#options.defaultImage
    if (named === undefined || !this.#warm) return undefined
    const { full } = parseImageReference(named)
    const { network, isStranger } = spec
    const kind = warmKey({ image: full, isStranger, ...present({ network }) })
    this.#warm.uses.count(kind)
    const warm = this.#warm.pool.take(kind)
    if (!warm) return undefined
    const { workspace } = warm
    return {
      workspace,
      open: (signal) => {
        const either = AbortSignal.any([signal, this.#closing.signal])
        return this.#track(this.#openWarm(warm, { ...spec, workspace }, either))
      },
    }
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
    await this.#warm?.pool[Symbol.asyncDispose]()
    const told = (error: unknown) => {
      const reason = describeError(error)
      this.#options.log.warn({ reason }, 'a container stays until the next start of this runner')
    }
    const sandboxes = [...this.#sandboxes]
    await Promise.all(sandboxes.map((one) => one[Symbol.asyncDispose]().catch(told)))
    await this.#networks.close().catch(told)
    // What could not be removed still needs its own.
    await rmdir(this.#options.folder).catch(() => {})
  }

  async #open(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    const image = this.#imageOf(spec)
    signal.throwIfAborted()
    await this.reap()
    this.#removeClosed()
    const containers = await this.#maker.make(image, spec, signal)
    const sandbox = this.#keep(containers, spec)
    try {
      signal.throwIfAborted()
      const { main, services } = containers
      const images = imagesOf(containers)
      await allOrNone([() => main.start(), async (either) => services?.start(either)], signal)
      sandbox.images = await images
      signal.throwIfAborted()
      return sandbox
    } catch (error) {
      await sandbox[Symbol.asyncDispose]().catch(() => {})
      throw error
    }
  }

  /** One that has ended meanwhile, or whose image has changed, gives its place to a fresh one. */
  async #openWarm(warm: WarmContainer, spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    const { container, image, imageId, limits, place } = warm
    let sandbox = this.#keep({ main: container, others: new Map(), place }, spec)
    try {
      signal.throwIfAborted()
      await this.#networks.check(spec)
      if ((await this.#api.findImage(image)) === imageId && container.isUp) {
        if (!isDeepStrictEqual(limits, spec.limits)) {
          await this.#api.updateContainer(container.parts.id, limitSettings(spec.limits))
        }
        if (spec.images?.length) {
          const others = await this.#maker.makeOthers(container, spec, signal)
          this.#sandboxes.delete(sandbox)
          sandbox = this.#keep({ main: container, others, place }, spec)
          sandbox.images = await imagesOf({ main: container, others })
        } else sandbox.images = warm.images
        signal.throwIfAborted()
        return sandbox
      }
    } catch (error) {
      await sandbox[Symbol.asyncDispose]().catch(() => {})
      throw error
    }
    void sandbox[Symbol.asyncDispose]().catch(() => {})
    return await this.#open(spec, signal)
  }

  #track(opening: Promise<Sandbox>): Promise<Sandbox> {
    this.#opening.add(opening)
    const done = () => void this.#opening.delete(opening)
    opening.then(done, done)
    return opening
  }

  #imageOf(spec: SandboxSpec): ImageReference {
    const image = spec.image ?? this.#options.defaultImage
    if (image !== undefined) return parseImageReference(image)
    throw new NarwhalError(
      'invalid',
      "this job names no image, and the runner's Docker executor has no default image: add `image:` to narwhal.yml, or set NARWHAL_DEFAULT_IMAGE",
    )
  }

  /** Holds a sandbox until its containers are gone. */
  #keep(containers: JobContainers, spec: SandboxSpec): DockerSandbox {
    const onRemoved = () => void this.#sandboxes.delete(sandbox)
    const sandbox: DockerSandbox = new DockerSandbox({ containers, spec, onRemoved })
    this.#sandboxes.add(sandbox)
    return sandbox
  }

  /** Tries again where the engine was away when a job ended. */
  #removeClosed(): void {
    for (const sandbox of this.#sandboxes) {
      if (sandbox.closed) void sandbox[Symbol.asyncDispose]().catch(() => {})
    }
    void this.#networks.removeLeft().catch(() => {})
  }

  async #reap(): Promise<number> {
    const ids = await this.#api.listContainers(RUNNER_LABEL, this.#options.instance)
    for (const id of ids) {
      if (!this.#options.runnerIsRoot) await tidyWorkspace(this.#api, id).catch(() => {})
      await this.#api.removeContainer(id)
    }
    for (const id of await this.#api.listNetworks(RUNNER_LABEL, this.#options.instance)) {
      await this.#api.removeNetwork(id)
    }
    await removeFolder(this.#options.folder)
    await this.#openPool()
    if (ids.length > 0) this.#options.log.info({ count: ids.length }, 'removed leftover containers')
    return ids.length
  }

  async #openPool(): Promise<void> {
    const { warm, folder, log } = this.#options
    if (warm === undefined || warm.size === 0 || this.#warm) return
    const uses = await ImageUse.open(`${folder}-images.json`)
    const pool = new WarmPool({
      size: warm.size,
      uses,
      make: (kind, onGone) => this.#maker.makeWarm(kind, warm.limits, onGone),
      discard: async ({ container, workspace, limits, place }) => {
        // Where the engine is away, it is tried again like any other.
        const containers = { main: container, others: new Map(), place }
        const sandbox = this.#keep(containers, {
          name: 'warm',
          workspace,
          limits,
          isStranger: false,
        })
        await sandbox[Symbol.asyncDispose]().catch(() => {})
        await removeFolder(workspace.path).catch(() => {})
      },
      freeMemory: () => freemem() / totalmem(),
      isQuiet: () => this.#opening.size + this.#sandboxes.size === 0,
      log,
    })
    this.#warm = { uses, pool }
    if (this.#closing.signal.aborted) return
    pool.tend()
    // For a job that finds no container ready.
    void this.#networks.prepare().catch(() => {})
  }
}
