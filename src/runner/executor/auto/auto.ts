import type { ContainerWay } from '../../../core/container-way.ts'
import type { Engine } from '../../../core/placement/placement.ts'
import type { StrangerExecutor } from '../../../core/placement/strangers.ts'
import { NarwhalError } from '../../../lib/errors.ts'
import { parseEngineAddress } from '../docker/engine/docker-address.ts'
import type { Executor, Sandbox, SandboxSpec, TakenSandbox } from '../executor.ts'
import { containersWanted, imagesWanted, noEngine } from '../refuse-containers.ts'
import { DockerEngines, type DockerEnginesOptions } from './docker-engines.ts'
import type { OwnContainers } from './own-containers.ts'

export interface AutoExecutorOptions extends DockerEnginesOptions {
  readonly bubblewrap: Executor
  /** Containers that the runner starts itself; absent: never. */
  readonly own?: OwnContainers
  /** What may run strangers' jobs; all by default. */
  readonly strangers?: readonly StrangerExecutor[]
  /** How long what keeps the runner from starting containers itself holds until it is tried again, in milliseconds. */
  readonly retryMs?: number
}

/** A try starts containers, and a probe may come every few seconds. */
const RETRY_MS = 15_000

/**
 * Uses what the machine has: the runner starts the containers of jobs with an image itself where that works, else
 * the first container engine that answers does. Jobs without an image go to bubblewrap if it works, else to
 * containers of the default image. What is new on the machine is noticed by the next job that needs it and by
 * `probe`; what is missing fails each job that needs it.
 */
export class AutoExecutor implements Executor {
  readonly #options: AutoExecutorOptions
  /** Opened once it is known whether the runner starts containers itself: then nothing waits in an engine. */
  #docker: DockerEngines | undefined
  #engines: readonly Engine[] = []
  /** Why the runner can't start containers itself; empty: it can; undefined: not tried yet. */
  #ownTrouble: string | undefined
  #triedAt = Number.NEGATIVE_INFINITY

  /** Throws `invalid` for a malformed address of an engine. */
  constructor(options: AutoExecutorOptions) {
    for (const host of options.hosts) parseEngineAddress(host)
    this.#options = options
  }

  /** From the last probe. */
  get engines(): readonly Engine[] {
    return this.#engines
  }

  get containers(): ContainerWay | undefined {
    const { own } = this.#options
    if (this.#ownTrouble === undefined || !own) return undefined
    if (this.#ownTrouble === '') return own.containers
    const host = this.#docker?.host
    if (host === undefined) return { how: `none can be started: ${this.#ownTrouble}`, better: [] }
    const better = `the runner could start containers itself, several times as fast, but ${this.#ownTrouble}`
    return { how: `by the container engine at ${host}`, better: [better] }
  }

  async probe(): Promise<string> {
    const { bubblewrap, own } = this.#options
    const [trouble, ownTrouble] = await Promise.all([bubblewrap.probe(), this.#tryOwn()])
    const docker = await this.#findDocker()
    this.#engines = [
      ...(own && ownTrouble === '' ? (['oci'] as const) : []),
      ...(docker ? (['docker'] as const) : []),
      ...(trouble === '' ? (['bubblewrap'] as const) : []),
    ]
    if (this.#engines.length > 0) return ''
    return this.#common || `jobs can't run on this machine: ${trouble}; and ${this.#noContainers()}`
  }

  async open(spec: SandboxSpec, signal: AbortSignal): Promise<Sandbox> {
    const wanted = containersWanted(spec)
    // A stranger's code never runs over the machine's own root file system, whatever narwhal.yml says.
    const isPlain = wanted === undefined && !spec.isStranger
    if (isPlain && (await this.#options.bubblewrap.probe()) === '') {
      return this.#options.bubblewrap.open(spec, signal)
    }
    const executor = await this.#choose(spec)
    if (executor) {
      return await executor.open(spec, signal).catch((error: unknown) => {
        throw executor === this.#options.own ? this.#withImport(error, spec) : error
      })
    }
    await this.probe()
    if (this.#common !== '') throw new NarwhalError('unavailable', this.#common)
    if (isPlain) throw new NarwhalError('unavailable', await this.probe())
    const who = wanted ?? "a stranger's job needs"
    throw noEngine(`${who} a container engine: ${this.#noContainers(spec)}`)
  }

  take(spec: Omit<SandboxSpec, 'workspace'>): TakenSandbox | undefined {
    // Whether bubblewrap will take a job without an image can't be known without waiting.
    if (containersWanted(spec) === undefined && !spec.isStranger) return undefined
    if (spec.isStranger && !this.#isNamed('docker')) return undefined
    return this.#ownTrouble === '' ? undefined : this.#docker?.take(spec)
  }

  /** Removes the containers that a previous process of this instance left behind. */
  async reap(): Promise<number> {
    const own = (await this.#tryOwn()) === '' ? await this.#options.own?.reap() : 0
    return (own ?? 0) + ((await (await this.#findDocker())?.reap()) ?? 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { own, bubblewrap } = this.#options
    await Promise.all([
      own?.[Symbol.asyncDispose](),
      this.#docker?.[Symbol.asyncDispose](),
      bubblewrap[Symbol.asyncDispose](),
    ])
  }

  /**
   * The engine may have the image from a registry that the runner can't ask. Whether it does is not said: what one
   * project may read is no other's business.
   */
  #withImport(error: unknown, { isStranger }: SandboxSpec): unknown {
    const host = this.#docker?.host
    if (!(error instanceof NarwhalError) || error.code !== 'not_found') return error
    if (host === undefined || isStranger) return error
    const words = `${error.message}; an image that only the container engine at ${host} has is used after \`narwhal image import docker:NAME\` on the runner's machine`
    return new NarwhalError('not_found', words, { cause: error })
  }

  /** Undefined if nothing here runs such a job. */
  async #choose(spec: SandboxSpec): Promise<Executor | undefined> {
    const own = await this.#ownFor(spec)
    const docker = await this.#dockerFor(spec)
    if (!own || !docker) return own ?? docker
    const isBetter = (await own.canConnect(spec)) && !(await isOnlyThere(spec, own, docker))
    return isBetter ? own : docker
  }

  async #ownFor({ isStranger }: SandboxSpec): Promise<OwnContainers | undefined> {
    const { own } = this.#options
    if (!own || (await this.#tryOwn()) !== '') return undefined
    return isStranger && !(this.#isNamed('oci') && own.hasUserNamespace) ? undefined : own
  }

  async #dockerFor({ isStranger }: SandboxSpec) {
    if (isStranger && !this.#isNamed('docker')) return undefined
    return await this.#findDocker()
  }

  #isNamed(executor: StrangerExecutor): boolean {
    return this.#options.strangers?.includes(executor) ?? true
  }

  /** Resolves to why the runner can't start containers itself. */
  async #tryOwn(): Promise<string> {
    const { own, retryMs = RETRY_MS } = this.#options
    if (!own) return 'it is not configured'
    if (this.#ownTrouble && performance.now() < this.#triedAt + retryMs) return this.#ownTrouble
    this.#ownTrouble = await own.probe()
    this.#triedAt = performance.now()
    return this.#ownTrouble
  }

  async #findDocker() {
    const { docker, hosts } = this.#options
    const hasOwn = (await this.#tryOwn()) === ''
    const { warm: _, ...withoutWarm } = docker
    this.#docker ??= new DockerEngines({ hosts, docker: hasOwn ? withoutWarm : docker })
    return await this.#docker.find()
  }

  /** A failure that all have in common: then what works is no use either. */
  get #common(): string {
    return this.#options.docker.networks.trouble
  }

  #noContainers({ isStranger }: Pick<SandboxSpec, 'isStranger'> = { isStranger: false }): string {
    const { own } = this.#options
    const parts = [
      ...(own ? [`the runner can't start containers itself: ${this.#whyNotOwn(isStranger)}`] : []),
      this.#docker?.trouble ?? '',
    ]
    return parts.filter((part) => part !== '').join('; and ')
  }

  #whyNotOwn(isStranger: boolean): string {
    if (this.#ownTrouble) return this.#ownTrouble
    if (isStranger && !this.#isNamed('oci')) return 'its --strangers does not name oci:'
    return "its containers have no user namespace, which a stranger's job needs: see `narwhal doctor`"
  }
}

/**
 * Whether a job names an image that an engine of this machine has, that is from no registry, and that the runner's
 * own images lack: such as one that was built there. It is what people mean by the name.
 */
async function isOnlyThere(
  spec: SandboxSpec,
  own: OwnContainers,
  docker: { hasOnlyHere(reference: string): Promise<boolean> },
): Promise<boolean> {
  for (const image of imagesWanted(spec)) {
    if (!(await own.hasImage(image)) && (await docker.hasOnlyHere(image))) return true
  }
  return false
}
