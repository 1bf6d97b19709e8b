import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type ImageReference, parseImageReference } from '../../../core/image-reference.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { exists } from '../../../lib/exists.ts'
import { FifoStock } from '../../../lib/pipes/fifo-stock.ts'
import { present } from '../../../lib/present.ts'
import { makeFifos } from '../../../lib/programs/make-fifos.ts'
import { removeFolder } from '../../../lib/remove-folder.ts'
import type { SandboxLimits, SandboxSpec, ServiceEvent } from '../executor.ts'
import { folderWorkspace } from '../workspace.ts'
import type { ContainerEngine, ImageAsk, JobIds, NamedContainer } from './container-engine.ts'
import type { ContainerNetworks, JobPlace } from './container-networks.ts'
import { probeSpec, serviceSpec, stepsSpec } from './container-profile.ts'
import type { ContainerConnection, ContainerSpec } from './container-spec.ts'
import { type EngineTraits, JobContainer } from './job-container.ts'
import { JobServices } from './services/job-services.ts'
import { ServiceContainer } from './services/service-container.ts'
import { ContainerFolder } from './steps/container-folder.ts'
import { warmKindOf } from './warm/warm-kind.ts'
import type { WarmContainer } from './warm/warm-pool.ts'

export interface JobContainers {
  /** For steps that name no image. */
  readonly main: JobContainer
  /** For the others, by the full reference. */
  readonly others: ReadonlyMap<string, JobContainer>
  readonly services?: JobServices
  /** Their network; released after them. */
  readonly place: JobPlace
}

type OneSpec = Pick<SandboxSpec, 'name' | 'workspace' | 'limits'> &
  Partial<AskSpec> & {
    readonly connection: ContainerConnection
    readonly mustTidy: boolean
    /** Absent: its own. */
    readonly maskFile?: string
  }

type AskSpec = Pick<SandboxSpec, 'isStranger' | 'onProgress' | 'pull' | 'registryLogin'>

type WatchSpec = Pick<SandboxSpec, 'name' | 'limits'> & {
  readonly asked: AskSpec
  readonly script: string
  readonly container: string
}

export interface MakerOptions {
  readonly engine: ContainerEngine
  readonly jobNetworks: ContainerNetworks
  /** Whether this process is root; if not, git sees the files in the workspace as another user's. */
  readonly runnerIsRoot: boolean
  readonly folder: string
  readonly steps?: 'exec'
  readonly firstWordMs?: number
}

const FIRST_WORD_MS = 10_000

/** Creates the containers of an executor, with their folders; the caller starts them. */
export class ContainerMaker {
  readonly #engine: ContainerEngine
  readonly #options: MakerOptions
  readonly #traits: EngineTraits
  readonly #networks: ContainerNetworks
  #stock: Promise<FifoStock> | undefined

  constructor(options: MakerOptions) {
    this.#engine = options.engine
    this.#networks = options.jobNetworks
    this.#options = options
    const { steps, firstWordMs = FIRST_WORD_MS } = options
    this.#traits = { fifos: steps === 'exec' ? 'fail' : 'unknown', firstWordMs }
  }

  /**
   * Creates everything a job needs: its services on their network, the container of its steps, and one for
   * each further image, on the same network.
   */
  async make(
    image: ImageReference,
    spec: SandboxSpec,
    signal: AbortSignal,
  ): Promise<JobContainers> {
    await checkWorkspace(spec)
    await using made = new AsyncDisposableStack()
    const place = await this.#networks.take(spec)
    made.defer(() => place.release())
    const { connection } = place
    const services = spec.services?.length
      ? await this.#makeServices(image, { ...spec, place }, signal)
      : undefined
    if (services) made.defer(() => services.remove().catch(() => {}))
    const mustTidy = !this.#options.runnerIsRoot
    const main = await this.#makeOne(image, { ...spec, connection, mustTidy }, signal)
    made.defer(() => main.remove().catch(() => {}))
    const others = await this.makeOthers(main, spec, signal)
    made.move()
    return { main, others, place, ...present({ services }) }
  }

  /** Creates the containers of a job's further images, by full reference. */
  async makeOthers(
    main: JobContainer,
    spec: SandboxSpec,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, JobContainer>> {
    const others = new Map<string, JobContainer>()
    await using made = new AsyncDisposableStack()
    const connection = { kind: 'as', container: main.parts.id } as const
    const { maskFile } = main.parts.folder
    for (const name of spec.images ?? []) {
      const image = parseImageReference(name)
      if (image.full === main.parts.image || others.has(image.full)) continue
      // The main one tidies the workspace and holds the mask file for all.
      const one = await this.#makeOne(
        image,
        { ...spec, connection, mustTidy: false, maskFile },
        signal,
      )
      made.defer(() => one.remove().catch(() => {}))
      others.set(image.full, one)
    }
    made.move()
    return others
  }

  /**
   * Creates and starts one of a kind (`warmKey`) ahead of a job, with a workspace of its own; undefined if
   * the image is missing, or FIFOs don't work: then nothing would end it together with the runner.
   */
  async makeWarm(
    kind: string,
    limits: SandboxLimits,
    onGone: () => void,
  ): Promise<WarmContainer | undefined> {
    const { image, ...asked } = warmKindOf(kind)
    const imageId = await this.#engine.findImage(parseImageReference(image).full)
    if (imageId === undefined || this.#traits.fifos === 'fail') return undefined
    const name = `workspace-${randomBytes(8).toString('hex')}`
    const workspace = folderWorkspace(join(this.#options.folder, name))
    await mkdir(this.#options.folder, { recursive: true, mode: 0o700 })
    await mkdir(workspace.path)
    await using made = new AsyncDisposableStack()
    made.defer(() => removeFolder(workspace.path))
    const place = await this.#networks.take({ name: 'warm', ...asked })
    made.defer(() => place.release())
    const { connection } = place
    const mustTidy = !this.#options.runnerIsRoot
    const spec = { name: 'warm', workspace, limits, connection, mustTidy }
    const ask = { ...askFor(asked, NEVER), pull: 'never' } as const
    const container = await this.#create(image, spec, ask, imageId)
    if (!container) return undefined
    made.defer(() => container.remove().catch(() => {}))
    await container.start(onGone)
    const images = await this.#engine.imagesOf(namesOf({ main: container, others: new Map() }))
    made.move()
    return { kind, image, imageId, workspace, limits, container, images, place }
  }

  async #makeServices(
    image: ImageReference,
    spec: SandboxSpec & { readonly place: JobPlace },
    signal: AbortSignal,
  ): Promise<JobServices> {
    const { services = [], limits, name, place, onService } = spec
    const containers: ServiceContainer[] = []
    const made = new JobServices(containers)
    const watch = (container: string, script: string, until: AbortSignal): Promise<void> =>
      this.#watch(image, { script, container, name, limits, asked: spec }, until)
    try {
      for (const [index, service] of services.entries()) {
        const connection = await place.ofService(service.name)
        const wanted = serviceSpec(service, { name, limits, connection })
        const id = await this.#created(wanted, askFor(spec, signal))
        const onEvent = (event: ServiceEvent) => onService?.(index, event)
        const { onProgress } = askFor(spec, signal)
        const parts = { engine: this.#engine, id, service, onEvent, onProgress, watch }
        containers.push(new ServiceContainer(parts))
      }
      return made
    } catch (error) {
      await made.remove().catch(() => {})
      throw error
    }
  }

  /** Runs a script until it exits with 0, with the shell of the job's image, in another's network. */
  async #watch(
    image: ImageReference,
    { script, asked, ...spec }: WatchSpec,
    signal: AbortSignal,
  ): Promise<void> {
    const loop = `until (${script}\n); do sleep 0.2 || sleep 1; done`
    // The job's own image, which the engine has by now.
    const connection = { kind: 'as', container: spec.container } as const
    const probe = probeSpec(image.full, loop, { ...spec, connection })
    const id = await this.#created(probe, askFor(asked, signal))
    try {
      await this.#engine.start(id)
      await this.#engine.wait(id, signal)
    } finally {
      await this.#engine.remove(id)
    }
  }

  async #makeOne(image: ImageReference, spec: OneSpec, signal: AbortSignal): Promise<JobContainer> {
    const ask = askFor(spec, signal)
    return (await this.#create(image.full, spec, ask)) ?? missing(image.full, ask)
  }

  /** Removes what there is for future containers. */
  async clear(): Promise<void> {
    this.#stock = undefined
    await removeFolder(this.#spare)
  }

  /** Next to the folder of all containers, where none of them sees it. */
  get #spare(): string {
    return `${this.#options.folder}-spare`
  }

  #openStock(): Promise<FifoStock> {
    this.#stock ??= mkdir(this.#spare, { recursive: true, mode: 0o700 }).then(
      () => new FifoStock(this.#spare, makeFifos),
    )
    return this.#stock
  }

  async #created(spec: ContainerSpec, ask: ImageAsk): Promise<string> {
    return (await this.#engine.create(spec, ask)) ?? missing(spec.image, ask)
  }

  async #create(
    image: string,
    spec: OneSpec,
    ask: ImageAsk,
    id = image,
  ): Promise<JobContainer | undefined> {
    const { mustTidy } = spec
    const folder = await ContainerFolder.make(this.#options.folder, await this.#openStock())
    const { control, maskFile } = folder
    const wanted = stepsSpec(id, { maskFile, ...spec, control }, this.#options.runnerIsRoot)
    const created = await this.#engine.create(wanted, ask).catch(async (error: unknown) => {
      await folder.remove()
      throw error
    })
    if (created === undefined) {
      await folder.remove()
      return undefined
    }
    const traits = this.#traits
    return new JobContainer({ engine: this.#engine, id: created, image, folder, traits, mustTidy })
  }
}

const NEVER = new AbortController().signal

function askFor(spec: Partial<AskSpec>, signal: AbortSignal): ImageAsk {
  const { isStranger = false, onProgress = () => {}, pull = 'missing', registryLogin } = spec
  return { pull, isStranger, onProgress, signal, ...present({ login: registryLogin }) }
}

function missing(image: string, { pull }: ImageAsk): never {
  if (pull === 'never') {
    const words = `image ${image} is not on this machine, and the job's \`pull: never\` keeps it from being fetched`
    throw new NarwhalError('not_found', words)
  }
  throw new NarwhalError('not_found', `image ${image} does not exist`)
}

/** Podman would make it, empty. */
async function checkWorkspace({ workspace: { path } }: SandboxSpec): Promise<void> {
  if (await exists(path)) return
  throw new NarwhalError('unavailable', `bind source path does not exist: ${path}`)
}

/** The containers of a job, as its engine knows them. */
export function idsOf({ main, others, services }: Omit<JobContainers, 'place'>): JobIds {
  const ofImages = [...others.values()].map(({ parts }) => parts.id)
  return { main: main.parts.id, others: [...(services?.ids ?? []), ...ofImages] }
}

/** The same, with what their images are called in the job. */
export function namesOf(containers: Omit<JobContainers, 'place'>): readonly NamedContainer[] {
  const { main, others, services } = containers
  const ofSteps = [main, ...others.values()].map(({ parts: { id, image } }) => ({ id, image }))
  return [...ofSteps, ...(services?.ids ?? []).map((id) => ({ id }))]
}
