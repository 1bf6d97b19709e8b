import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ImageRun } from '../../../../core/attempt/image-run.ts'
import { type ImageReference, parseImageReference } from '../../../../core/image-reference.ts'
import { NarwhalError } from '../../../../lib/errors.ts'
import { SharedTasks } from '../../../../lib/shared-tasks.ts'
import { findJobLogin } from '../../../images/fetch/find-login.ts'
import { placeOf } from '../../../images/fetch/registry-place.ts'
import type { Reach } from '../../../network/holes.ts'
import { checkRegistry } from '../../containers/check-registry.ts'
import type {
  ContainerEngine,
  ContainerOutput,
  ContainerState,
  ExecSettings,
  ImageAsk,
  JobIds,
  NamedContainer,
  OutputPart,
  PreparedExec,
  ServiceFacts,
} from '../../containers/container-engine.ts'
import { containerName } from '../../containers/container-name.ts'
import type { ContainerSpec } from '../../containers/container-spec.ts'
import type { SandboxDisk, SandboxHandle, SandboxLimits } from '../../executor.ts'
import type { SandboxShell } from '../../sandbox-shell.ts'
import type { DockerApi, EngineLogin } from './docker-api.ts'
import { dockerDisk } from './docker-disk.ts'
import { FrameReader } from './docker-frames.ts'
import { imagesOf, serviceFactsOf } from './docker-images.ts'
import { dockerSettings, limitSettings, RUNNER_LABEL } from './docker-settings.ts'
import { dockerShell } from './docker-shell.ts'
import { orKillDirectly } from './kill-directly.ts'

/**
 * Docker 20.10 handles a late event for each pause and resume, a moment after it has answered, and the last
 * event wins: without a delay in between, a running container counts as paused.
 */
const SETTLE_MS = 250

export interface DockerEngineOptions {
  /** Unique among the runners of this engine; leftovers are found by it. */
  readonly instance: string
  /** What the operator opens to all jobs. */
  readonly reach?: readonly Reach[]
}

/**
 * The Docker Engine, or Podman, as an engine of containers. The engine may restart between calls: only ids are
 * kept.
 */
export class DockerEngine implements ContainerEngine {
  readonly notes = []
  readonly #api: DockerApi
  readonly #options: DockerEngineOptions
  readonly #pulls = new SharedTasks<void>()
  /** When containers were last paused or resumed, as `performance.now()`. */
  readonly #turnedAt = new Map<string, number>()

  constructor(api: DockerApi, options: DockerEngineOptions) {
    this.#api = api
    this.#options = options
  }

  ping(): Promise<void> {
    return this.#api.ping()
  }

  /** The engine knows best whether it has the image: creates first, and again after a pull. */
  async create(spec: ContainerSpec, ask: ImageAsk): Promise<string | undefined> {
    const settings = dockerSettings(spec, this.#options.instance)
    // Never aborted half-way, which would leak a container.
    const create = () => this.#api.createContainer(containerName(spec), settings)
    ask.signal.throwIfAborted()
    const image = parseImageReference(spec.image)
    const isAsked = ask.pull === 'always' && !image.version.includes(':')
    const created = isAsked ? undefined : await create()
    if (created !== undefined || ask.pull === 'never') return created
    await this.#pull(image, ask)
    const retried = await create()
    if (retried !== undefined) return retried
    throw new NarwhalError('not_found', `image ${image.full} was removed right after its pull`)
  }

  start(id: string): Promise<void> {
    return this.#api.startContainer(id)
  }

  async attach(id: string): Promise<ContainerOutput> {
    return outputOf(await this.#api.attachContainer(id))
  }

  wait(id: string, signal: AbortSignal): Promise<number> {
    return this.#api.waitContainer(id, signal)
  }

  kill(id: string): Promise<void> {
    return orKillDirectly(id, this.#api.killContainer(id))
  }

  async pause(ids: readonly string[]): Promise<void> {
    await this.#turn(ids, (id) => this.#api.pauseContainer(id))
  }

  async resume(ids: readonly string[]): Promise<void> {
    await this.#turn(ids, (id) => this.#api.unpauseContainer(id))
  }

  async prepareExec(id: string, settings: ExecSettings): Promise<PreparedExec | undefined> {
    const api = this.#api
    const exec = await api.createExec(id, settings)
    if (exec === undefined) return undefined
    return {
      start: async () => {
        const connection = await api.startExec(exec)
        return {
          ...outputOf(connection),
          write: (text) => void connection.write(text),
          end: (text) => void connection.end(text),
          hasBegun: () => api.hasExecBegun(exec),
          findExit: () => api.findExecExit(exec),
        }
      },
    }
  }

  shell(id: string, { command, env }: Omit<ExecSettings, 'rootIn'>): SandboxShell {
    return dockerShell(this.#api, id, { command, env })
  }

  inspect(id: string): Promise<ContainerState | undefined> {
    return this.#api.inspectContainer(id)
  }

  update(id: string, limits: SandboxLimits): Promise<void> {
    return this.#api.updateContainer(id, limitSettings(limits))
  }

  async remove(id: string): Promise<void> {
    await orKillDirectly(id, this.#api.removeContainer(id))
    this.#turnedAt.delete(id)
  }

  list(): Promise<readonly string[]> {
    return this.#api.listContainers(RUNNER_LABEL, this.#options.instance)
  }

  findImage(reference: string): Promise<string | undefined> {
    return this.#api.findImage(reference)
  }

  serviceFactsOf(id: string): Promise<ServiceFacts | undefined> {
    return serviceFactsOf(this.#api, id)
  }

  imagesOf(containers: readonly NamedContainer[]): Promise<readonly ImageRun[]> {
    return imagesOf(this.#api, containers)
  }

  /** Its root is the runner's own, or tells git so (container-profile.ts). */
  async giveWorkspace(): Promise<void> {}

  diskOf({ main, others }: JobIds, workspace: string): SandboxDisk {
    return dockerDisk(this.#api, [main, ...others], workspace)
  }

  handleOf({ main, others }: JobIds, mayRemove: boolean): SandboxHandle {
    return {
      kind: 'container',
      host: this.#api.address.url,
      id: main,
      ...(others.length > 0 ? { others } : {}),
      remove: mayRemove,
    }
  }

  async #pull(
    image: ImageReference,
    { isStranger, signal, onProgress, login: logins }: ImageAsk,
  ): Promise<void> {
    if (isStranger) await checkRegistry(image, this.#options.reach ?? [])
    const login = logins === undefined ? undefined : await engineLogin(image, logins)
    const pull = (stop: AbortSignal, say: (line: string) => void) => {
      say(`pulling ${image.full}`)
      return this.#api.pullImage({ image, login, onProgress: say, signal: stop })
    }
    await this.#pulls.join(`${image.full} ${JSON.stringify(login)}`, signal, pull, onProgress)
  }

  async #turn(ids: readonly string[], each: (id: string) => Promise<void>): Promise<void> {
    const last = Math.max(...ids.map((id) => this.#turnedAt.get(id) ?? -Infinity))
    const restMs = last + SETTLE_MS - performance.now()
    if (restMs > 0) await sleep(restMs)
    await Promise.all(ids.map(each))
    for (const id of ids) this.#turnedAt.set(id, performance.now())
  }
}

/** A job's own login for an image. */
async function engineLogin(
  image: ImageReference,
  logins: string,
): Promise<EngineLogin | undefined> {
  const { repository } = placeOf(image)
  const login = await findJobLogin(logins, repository)
  if (!login) return undefined
  const [host = ''] = repository.split('/')
  // As Docker's own command names its default registry.
  const serveraddress = host === 'docker.io' ? 'https://index.docker.io/v1/' : host
  if (login.kind === 'identity') return { serveraddress, identitytoken: login.token }
  return { serveraddress, username: login.name, password: login.password }
}

function outputOf(connection: Duplex): ContainerOutput {
  connection.on('error', () => {})
  return { parts: partsOf(connection), hangUp: () => void connection.destroy() }
}

/** The engine's frames until its connection ends or breaks. */
async function* partsOf(
  connection: Duplex,
): AsyncGenerator<readonly OutputPart[], void, undefined> {
  const frames = new FrameReader()
  const chunks = connection.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>
  for (;;) {
    const next = await chunks.next().catch(() => undefined)
    if (next === undefined || next.done) return
    yield frames.read(next.value)
  }
}
