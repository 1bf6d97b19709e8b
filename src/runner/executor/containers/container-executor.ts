import { rmdir } from 'node:fs/promises'
import { freemem, totalmem } from 'node:os'
import { isDeepStrictEqual } from 'node:util'
import { type ImageReference, parseImageReference } from '../../../core/image-reference.ts'
import type { Engine } from '../../../core/placement/placement.ts'
import { allOrNone } from '../../../lib/async/all-or-none.ts'
import { Pending } from '../../../lib/async/pending.ts'
import { describeError, NarwhalError } from '../../../lib/errors.ts'
import type { Logger } from '../../../lib/log.ts'
import { present } from '../../../lib/present.ts'
import { removeFolder } from '../../../lib/remove-folder.ts'
import type { NetworkSource } from '../../network/network-source.ts'
import type { Executor, Sandbox, SandboxLimits, SandboxSpec, TakenSandbox } from '../executor.ts'
import type { ContainerEngine } from './container-engine.ts'
import { ContainerMaker, type JobContainers, namesOf } from './container-maker.ts'
import type { ContainerNetworks } from './container-networks.ts'
import { ContainerSandbox } from './container-sandbox.ts'
import { tidyWorkspace } from './job-container.ts'
import { ImageUse } from './warm/image-use.ts'
import { warmKey } from './warm/warm-kind.ts'
import { type WarmContainer, WarmPool } from './warm/warm-pool.ts'

export interface ContainerExecutorOptions {
  /** How the engine is called, for placement. */
  readonly name: Engine
  readonly engine: ContainerEngine
  readonly jobNetworks: ContainerNetworks
  /**
   * A folder for the sandboxes' files; the engine must see it under the same path. It is emptied when the
   * containers of a previous process are removed.
   */
  readonly folder: string
  /** How steps are started in containers; detected by default. */
  readonly steps?: 'exec'
  /** Silence in ms of the first container until FIFOs count as unusable; ten seconds by default. */
  readonly firstWordMs?: number
  /** How many sandboxes to start ahead of jobs, and with which limits; none by default. */
  readonly warm?: { readonly size: number; readonly limits: SandboxLimits }
  /** How long an aborted step may take to end after SIGTERM, in milliseconds; by default it is killed at once. */
  readonly graceMs?: number
  /** For jobs without an image. */
  readonly defaultImage?: string
  /** Whether this process is root, and can remove what the container's root wrote. */
  readonly runnerIsRoot: boolean
  readonly log: Logger
  /** Networks of the jobs; disposed of by the caller, after this. */
  readonly networks: NetworkSource
}

/**
 * Runs jobs in containers of an engine: one for the steps, with a supervisor that runs them (supervisor.ts),
 * one for each further image that a step names, and one for each service. Their permissions are in
 * container-profile.ts. Some are started ahead of jobs (warm-pool.ts).
 */
export class ContainerExecutor implements Executor {
  readonly engines: readonly Engine[]
  readonly #engine: ContainerEngine
  readonly #options: ContainerExecutorOptions
  readonly #closing = new AbortController()
  readonly #opening = new Pending()
  readonly #sandboxes = new Set<ContainerSandbox>()
  readonly #maker: ContainerMaker
  readonly #networks: ContainerNetworks
  #warm: { readonly uses: ImageUse; readonly pool: WarmPool } | undefined
  /** Leftovers of a previous process are removed before the first container is created. */
  #reaped: Promise<number> | undefined

  /** Throws `invalid` for a malformed default image. */
  constructor(options: ContainerExecutorOptions) {
    this.engines = [options.name]
    this.#engine = options.engine
    this.#options = options
    this.#networks = options.jobNetworks
    this.#maker = new ContainerMaker(options)
    if (options.defaultImage !== undefined) parseImageReference(options.defaultImage)
  }

  async probe(): Promise<string> {
    try {
      await this.#engine.ping()
      this.#removeClosed()
      this.#warm?.pool.tend()
      return this.#options.networks.trouble
    } catch (error) {
      return NarwhalError.from(error).message
    }
  }

  /** Whether the engine has an image by its full reference; not if it is unreachable. */
  async hasImage(reference: string): Promise<boolean> {
    const found = await this.#engine.findImage(reference).catch(() => undefined)
    return found !== undefined
  }

  open(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    return this.#opening.add(this.#open(spec, AbortSignal.any([signal, this.#closing.signal])))
  }

  take(spec: Omit<SandboxSpec, 'workspace'>): TakenSandbox | undefined {
    // Warm containers have no services, and the image that was here before.
    if (spec.services?.length || spec.pull === 'always') return undefined
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
        return this.#opening.add(this.#openWarm(warm, { ...spec, workspace }, either))
      },
    }
  }

  /**
   * Removes the containers that a previous process of this instance left behind, as after `kill -9`, and what
   * they wrote into their workspaces if the runner can't. Resolves to their number.
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
    await this.#opening.settled()
    await this.#warm?.pool[Symbol.asyncDispose]()
    const onError = (error: unknown) => {
      const reason = describeError(error)
      this.#options.log.warn(
        { reason },
        'container not removed: retrying at the next start of this runner',
      )
    }
    const sandboxes = [...this.#sandboxes]
    await Promise.all(sandboxes.map((one) => one[Symbol.asyncDispose]().catch(onError)))
    await this.#networks.close().catch(onError)
    await this.#maker.clear()
    // Remains if it still has the files of a container that could not be removed.
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
      const images = this.#engine.imagesOf(namesOf(containers))
      await allOrNone([() => main.start(), async (either) => services?.start(either)], signal)
      sandbox.images = await images
      signal.throwIfAborted()
      return sandbox
    } catch (error) {
      await sandbox[Symbol.asyncDispose]().catch(() => {})
      throw error
    }
  }

  /** If it has ended, or its image has changed, it is replaced by a new one. */
  async #openWarm(warm: WarmContainer, spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    const { container, image, imageId, limits, place } = warm
    let sandbox = this.#keep({ main: container, others: new Map(), place }, spec)
    try {
      signal.throwIfAborted()
      await this.#networks.check(spec)
      if ((await this.#engine.findImage(image)) === imageId && container.isUp) {
        if (!isDeepStrictEqual(limits, spec.limits)) {
          await this.#engine.update(container.parts.id, spec.limits)
        }
        if (spec.images?.length) {
          const others = await this.#maker.makeOthers(container, spec, signal)
          this.#sandboxes.delete(sandbox)
          sandbox = this.#keep({ main: container, others, place }, spec)
          sandbox.images = await this.#engine.imagesOf(namesOf({ main: container, others }))
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

  #imageOf(spec: SandboxSpec): ImageReference {
    const image = spec.image ?? this.#options.defaultImage
    if (image !== undefined) return parseImageReference(image)
    throw new NarwhalError(
      'invalid',
      "this job names no image, and the runner's executor for containers has no default image: add `image:` to narwhal.yml, or set NARWHAL_DEFAULT_IMAGE",
    )
  }

  /** Keeps track of a sandbox until its containers are removed. */
  #keep(containers: JobContainers, spec: SandboxSpec): ContainerSandbox {
    const onRemoved = () => void this.#sandboxes.delete(sandbox)
    const engine = this.#engine
    const sandbox: ContainerSandbox = new ContainerSandbox({
      graceMs: this.#options.graceMs ?? 0,
      engine,
      containers,
      spec,
      onRemoved,
    })
    this.#sandboxes.add(sandbox)
    return sandbox
  }

  /** Retries after the engine was down when a job ended. */
  #removeClosed(): void {
    for (const sandbox of this.#sandboxes) {
      if (sandbox.closed) void sandbox[Symbol.asyncDispose]().catch(() => {})
    }
    void this.#networks.removeLeft().catch(() => {})
  }

  async #reap(): Promise<number> {
    const ids = await this.#engine.list()
    for (const id of ids) {
      if (!this.#options.runnerIsRoot) await tidyWorkspace(this.#engine, id).catch(() => {})
      await this.#engine.remove(id)
    }
    await this.#networks.reap()
    await removeFolder(this.#options.folder)
    await this.#maker.clear()
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
        // Retried like any other if the engine is down.
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
    // For the next job that finds no warm container.
    void this.#networks.prepare().catch(() => {})
  }
}
