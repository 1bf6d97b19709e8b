import { chmodSync, mkdirSync } from 'node:fs'
import { rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ImageRun } from '../../../core/attempt/image-run.ts'
import { parseImageReference } from '../../../core/image-reference.ts'
import { hasCode, NarwhalError } from '../../../lib/errors.ts'
import { FifoStock } from '../../../lib/pipes/fifo-stock.ts'
import { present } from '../../../lib/present.ts'
import { ownProcess } from '../../../lib/process-owner.ts'
import { makeFifos } from '../../../lib/programs/make-fifos.ts'
import { removeFolder } from '../../../lib/remove-folder.ts'
import { measureFolders } from '../../disk/measure-folders.ts'
import { Trash } from '../../disk/trash.ts'
import type { HeldImage } from '../../images/held-image.ts'
import type {
  ContainerEngine,
  ContainerOutput,
  ContainerState,
  ExecSettings,
  ImageAsk,
  JobIds,
  NamedContainer,
  PreparedExec,
  ServiceFacts,
} from '../containers/container-engine.ts'
import { containerName } from '../containers/container-name.ts'
import { WORKSPACE } from '../containers/container-profile.ts'
import type { ContainerSpec } from '../containers/container-spec.ts'
import { healthCheckOf } from '../containers/services/health-check.ts'
import type { SandboxDisk, SandboxHandle, SandboxLimits } from '../executor.ts'
import { removeGroup } from '../local/bounds/sandbox-cgroups.ts'
import type { SandboxShell } from '../sandbox-shell.ts'
import { ContainerGroups } from './cgroups/container-groups.ts'
import { missingLimits } from './cgroups/missing-limits.ts'
import { mapsMounts } from './container/configure.ts'
import { ContainerFiles } from './container/container-files.ts'
import {
  belongsToAnother,
  type ContainerRecord,
  ContainerRecords,
} from './container/container-record.ts'
import { giveFiles } from './container/give-files.ts'
import { makeContainer } from './container/make-container.ts'
import type { OciContainer } from './container/oci-container.ts'
import { prepareExec } from './container/oci-exec.ts'
import { ociShell } from './container/oci-shell.ts'
import { removeLeftover } from './container/remove-leftover.ts'
import { takeBack, workspaceOf } from './container/take-back.ts'
import type { OciMeans } from './oci-means.ts'
import type { FoundRuntime } from './runtime/find-runtime.ts'

export interface OciEngineOptions {
  /** Rejects with `unavailable` and what to do; then it is asked again. */
  readonly openMeans: () => Promise<OciMeans>
  /** Unique among the runners of this machine. */
  readonly instance: string
  /** Of this engine alone; on a file system that an overlay can write to. */
  readonly folder: string
  /** For what is gone after a reboot: below /run, and of this engine alone. */
  readonly runFolder: string
}

/**
 * Containers without an engine: crun or runc starts each in a namespace of mounts, over an overlay of its image's
 * layers, as a child of this process.
 */
export class OciEngine implements ContainerEngine, AsyncDisposable {
  readonly #options: OciEngineOptions
  readonly #containers = new Map<string, OciContainer>()
  readonly #records: ContainerRecords
  readonly #trash: Trash
  readonly #fifos: FifoStock
  #opening: Promise<OciMeans> | undefined
  /** Set once containers can be started. */
  #means: OciMeans | undefined
  #groups: ContainerGroups | undefined
  #isClosed = false

  constructor(options: OciEngineOptions) {
    const { folder } = options
    this.#options = options
    this.#records = new ContainerRecords(join(folder, 'records'))
    this.#trash = new Trash(join(folder, 'trash'), () => this.#means?.found.enter ?? [])
    this.#fifos = new FifoStock(join(folder, 'fifos'), makeFifos)
  }

  get notes(): readonly string[] {
    return this.#groups ? missingLimits(this.#groups, this.found) : []
  }

  /** How containers are started, once that is known. */
  get found(): FoundRuntime | undefined {
    return this.#means?.found
  }

  async ping(): Promise<void> {
    this.#opening ??= this.#options.openMeans()
    try {
      this.#means = await this.#opening
    } catch (error) {
      this.#opening = undefined
      throw error
    }
    // What is made from here on would be left behind.
    if (this.#isClosed) throw new NarwhalError('cancelled', 'the runner is stopping')
    mkdirSync(join(this.#options.folder, 'fifos'), { recursive: true, mode: 0o700 })
    // The container's root is an ordinary user here, and enters the root folder by its path.
    for (const path of [this.#options.runFolder, this.#root]) {
      mkdirSync(path, { recursive: true, mode: 0o711 })
      chmodSync(path, 0o711)
    }
    mkdirSync(this.#stateRoot, { recursive: true, mode: 0o700 })
    this.#groups ??= new ContainerGroups(this.#options.instance)
  }

  async create(spec: ContainerSpec, ask: ImageAsk): Promise<string | undefined> {
    await this.ping()
    const { isStranger, signal, onProgress, login, pull } = ask
    const reference = parseImageReference(spec.image)
    const { found, images } = this.#ready
    if (isStranger && !found.idMap) throw noStrangers()
    if (pull === 'never' && (await images.find(reference.full)) === undefined) {
      return undefined
    }
    const image = await images.hold(reference, {
      signal,
      isStranger,
      pull,
      onProgress,
      ...present({ login }),
    })
    try {
      const { connection } = spec
      if (connection.kind === 'place') await connection.expose?.(image.config.exposedPorts)
      return await this.#make(spec, image, ask)
    } catch (error) {
      await image[Symbol.asyncDispose]()
      throw error
    }
  }

  async start(id: string): Promise<void> {
    try {
      await this.#get(id).start()
    } catch (error) {
      // What was proven may not hold any more: the next container waits until it has been tried again.
      if (hasCode(error, 'unavailable')) await this.found?.filters.forget()
      throw error
    }
  }

  attach(id: string): Promise<ContainerOutput> {
    return this.#get(id).attach()
  }

  wait(id: string, signal: AbortSignal): Promise<number> {
    return this.#get(id).wait(signal)
  }

  async kill(id: string): Promise<void> {
    await this.#containers.get(id)?.kill()
  }

  async pause(ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map(async (id) => this.#containers.get(id)?.parts.group.freeze()))
  }

  async resume(ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map(async (id) => this.#containers.get(id)?.parts.group.thaw()))
  }

  async prepareExec(id: string, settings: ExecSettings): Promise<PreparedExec | undefined> {
    const container = this.#containers.get(id)
    const launch = container?.launch
    return container && launch && prepareExec(container, launch, settings)
  }

  shell(id: string, settings: Omit<ExecSettings, 'rootIn'>): SandboxShell {
    const container = this.#get(id)
    const { launch } = container
    if (!launch) throw new NarwhalError('unavailable', 'the container is not running')
    return ociShell(container, launch, settings)
  }

  async inspect(id: string): Promise<ContainerState | undefined> {
    return this.#containers.get(id)?.state
  }

  async update(id: string, limits: SandboxLimits): Promise<void> {
    this.#get(id).parts.group.limit(limits)
  }

  async remove(id: string): Promise<void> {
    const container = this.#containers.get(id)
    if (container) {
      await container.remove()
      await takeBack(this.#ready.found.enter, workspaceOf(container.parts.spec))
      await container.parts.image[Symbol.asyncDispose]()
    } else {
      const record = (await this.#left()).find((one) => one.id === id)
      if (record) await removeLeftover(record, this.#ready.found.enter)
    }
    await this.#trash.throwAway(join(this.#folder, id))
    this.#records.remove(id)
    this.#containers.delete(id)
  }

  async list(): Promise<readonly string[]> {
    await this.ping()
    this.#trash.empty()
    return (await this.#left()).map(({ id }) => id)
  }

  async findImage(reference: string): Promise<string | undefined> {
    await this.ping()
    return this.#ready.images.find(reference)
  }

  async serviceFactsOf(id: string): Promise<ServiceFacts | undefined> {
    const config = this.#containers.get(id)?.parts.image.config
    if (!config) return undefined
    const check = healthCheckOf(config.healthcheck, config.shell)
    return { exposedPorts: config.exposedPorts, ...present({ check }) }
  }

  async imagesOf(containers: readonly NamedContainer[]): Promise<readonly ImageRun[]> {
    const found = containers.flatMap(({ id, image: named }) => {
      const image = this.#containers.get(id)?.parts.image
      return image ? [{ image: named ?? image.reference, digest: image.digest }] : []
    })
    return [...new Map(found.map((one) => [one.image, one])).values()]
  }

  diskOf({ main, others }: JobIds, workspace: string): SandboxDisk {
    const { folder } = this.#options
    const layers = [main, ...others].map((id) => new ContainerFiles(this.#folder, id).upper)
    const named = [
      { path: workspace, name: WORKSPACE },
      ...layers.map((path) => ({ path, name: '(outside the workspace)' })),
    ]
    return {
      folders: [workspace, folder],
      measure: (signal) => measureFolders(named, signal, this.#ready.found.enter),
    }
  }

  handleOf({ main, others }: JobIds): SandboxHandle {
    const parts = [main, ...others].map((id) => this.#get(id).parts)
    const folders = parts.flatMap(({ group }) => group.folders)
    if (folders.length > 0) return { kind: 'groups', folders }
    return { kind: 'trees', trees: parts.map(({ tree }) => tree) }
  }

  async giveWorkspace(id: string, workspace: string): Promise<void> {
    const { idMap, runtime } = this.#ready.found
    if (!this.#containers.has(id) || !idMap || idMap.firstId === 0 || mapsMounts(runtime)) return
    await giveFiles(workspace, idMap.firstId)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    // Not waited for: finding out how containers start takes a while.
    if (!this.#means)
      void this.#opening?.then((late) => late[Symbol.asyncDispose]()).catch(() => {})
    await this.#means?.[Symbol.asyncDispose]()
    await this.#trash[Symbol.asyncDispose]()
    this.#groups?.[Symbol.dispose]()
    for (const name of ['records', 'containers', 'trash']) {
      await rmdir(join(this.#options.folder, name)).catch(() => {})
    }
    await removeFolder(join(this.#options.folder, 'fifos'))
    await rmdir(this.#options.folder).catch(() => {})
    for (const path of [this.#stateRoot, this.#root, this.#options.runFolder]) {
      await rmdir(path).catch(() => {})
    }
  }

  get #ready(): OciMeans {
    if (this.#means) return this.#means
    throw new NarwhalError(
      'internal',
      'containers are asked for before it is known how to start them',
    )
  }

  /** Of the containers' own folders. */
  get #folder(): string {
    return join(this.#options.folder, 'containers')
  }

  /** Where the runtime keeps what it knows. */
  get #stateRoot(): string {
    return join(this.#options.runFolder, 'state')
  }

  /** Where all overlays are mounted, each in a namespace of its own. */
  get #root(): string {
    return join(this.#options.runFolder, 'root')
  }

  async #make(spec: ContainerSpec, image: HeldImage, { isStranger }: ImageAsk): Promise<string> {
    const { found } = this.#ready
    const groups = this.#groups ?? new ContainerGroups(this.#options.instance)
    const id = containerName(spec)
    const files = new ContainerFiles(this.#folder, id)
    const stateRoot = this.#stateRoot
    const { runtime } = found
    const folders = groups.foldersOf(id)
    const workspace = present({ workspace: workspaceOf(spec) })
    this.#records.write({
      id,
      owner: ownProcess(),
      runtime,
      stateRoot,
      groups: folders,
      ...workspace,
    })
    try {
      const [fifos, root, get] = [this.#fifos, this.#root, this.#get]
      const parts = { id, found, groups, files, stateRoot, root, fifos, get, isStranger }
      this.#containers.set(id, await makeContainer(spec, image, parts))
      return id
    } catch (error) {
      for (const path of folders) await removeGroup(path)
      await this.#trash.throwAway(files.path)
      this.#records.remove(id)
      throw error
    }
  }

  /** Of a previous process of this runner. */
  async #left(): Promise<readonly ContainerRecord[]> {
    const all = await this.#records.list()
    return all.filter((one) => !this.#containers.has(one.id) && !belongsToAnother(one))
  }

  readonly #get = (id: string): OciContainer => {
    const found = this.#containers.get(id)
    if (found) return found
    throw new NarwhalError('unavailable', `container ${id} is gone: it was removed`)
  }
}

function noStrangers(): NarwhalError {
  const words =
    "a stranger's job needs a user namespace of its own, and this runner's containers have none: see `narwhal doctor`"
  return new NarwhalError('invalid', words)
}
