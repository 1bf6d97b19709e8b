import { randomBytes } from 'node:crypto'
import type { ImageReference } from '../../../../core/image-reference.ts'
import { describeError } from '../../../../lib/errors.ts'
import { exists } from '../../../../lib/exists.ts'
import type { Logger } from '../../../../lib/log.ts'
import type { EngineNetwork, JobNetworks } from '../../../network/job-networks.ts'
import { writeSetting } from '../../../network/machine.ts'
import type { NetworkSource } from '../../../network/network-source.ts'
import type { Audience } from '../../../network/routed/rules.ts'
import type { SandboxSpec } from '../../executor.ts'
import { checkRegistry } from './check-registry.ts'
import type { DockerApi } from './docker-api.ts'
import { type Connection, type JobNetwork, networkSettings } from './docker-profile.ts'

/** How the containers of one job are connected; given up once none of them is left. */
export interface JobPlace {
  readonly connection: Connection
  /** What the job's log has to say of it. */
  readonly notes: readonly string[]
  /** Never rejects: what the engine does not remove now is tried again by `removeLeft`. */
  release(): Promise<void>
}

export interface DockerNetworksOptions {
  readonly instance: string
  readonly networks: Pick<NetworkSource, 'get' | 'reach'>
  readonly log: Logger
}

/** A network of the engine. */
interface Network extends JobNetwork {
  readonly audience: Audience
  /** Of the machine, where its rules hold. */
  readonly bridge?: string
}

type PlaceSpec = Pick<SandboxSpec, 'name' | 'network' | 'isStranger' | 'services'>

/** So many networks wait for jobs that find no container ready; making one takes a while. */
const MOST_IDLE = 2

/**
 * The networks of an engine's jobs, one for each: no job reaches another. Where the engine's bridges are
 * this machine's, its rules hold for them as well; where they are not, as with an engine elsewhere, the job
 * reaches what the engine lets it reach, and a stranger's job has no network. What a job leaves is
 * used again, empty, by another of the same audience.
 */
export class DockerNetworks {
  readonly #api: DockerApi
  readonly #options: DockerNetworksOptions
  readonly #idle: Network[] = []
  /** Given up, but the engine may have them still; so long nobody else gets their addresses. */
  readonly #left = new Set<Pick<Network, 'network' | 'bridge'>>()
  /** Why the rules do not hold for this engine's networks; empty: nothing is known against it. */
  #farReason = ''
  #isClosed = false
  /** Set once the engine is known to make networks that the rules hold for. */
  #proof: Promise<void> | undefined

  constructor(api: DockerApi, options: DockerNetworksOptions) {
    this.#api = api
    this.#options = options
  }

  /** Resolves when such a job may be started, else rejects with why not. */
  async check({ isStranger, network }: PlaceSpec): Promise<void> {
    if (network === 'none') return
    await (await this.#options.networks.get()).check(audienceOf(isStranger))
  }

  async take(spec: PlaceSpec): Promise<JobPlace> {
    if (spec.network === 'none') return this.#without(spec)
    const networks = await this.#options.networks.get()
    const audience = audienceOf(spec.isStranger)
    await networks.check(audience)
    if (networks.containers === 'none') {
      return this.#without(spec, `this job has no network: ${networks.engineTrouble}`)
    }
    const network = this.#takeIdle(audience) ?? (await this.#make(networks, audience))
    if (!network) return this.#without(spec, noNetwork(this.#farReason || networks.engineTrouble))
    const place = this.#placeIn(network)
    let why: string
    try {
      why = await this.#whyOpen(networks, spec)
    } catch (error) {
      await place.release()
      throw error
    }
    if (why === '') return { ...place, notes: this.#notes(networks, network) }
    await place.release()
    return this.#without(spec, noNetwork(why))
  }

  /**
   * What is closed for a job in a container is tried from there, once there is such a network; a stranger's waits
   * for it. Of one's own there is nothing against it.
   */
  async #whyOpen(networks: JobNetworks, { isStranger }: PlaceSpec): Promise<string> {
    if (networks.containers !== 'ruled' || this.#farReason !== '') return ''
    this.#proof ??= networks.proveEngine(this.#lend)
    if (!isStranger) return ''
    await this.#proof
    await networks.check('strangers')
    return networks.engineTrouble
  }

  readonly #lend = async (place: EngineNetwork): Promise<AsyncDisposable> => {
    const network = networkName(`proof-${place.bridge}`)
    const own = { network, isInternal: false, place, isProof: true }
    await this.#api.createNetwork(networkSettings(own, place.bridge, this.#options))
    await writeSetting(`ipv4/conf/${place.bridge}/forwarding`, '1').catch(() => {})
    return { [Symbol.asyncDispose]: () => this.#api.removeNetwork(network) }
  }

  /** Throws `invalid` where the engine must not pull this image for a job. */
  async checkPull(image: ImageReference, isStranger: boolean): Promise<void> {
    if (isStranger) await checkRegistry(image, this.#options.networks.reach)
  }

  /** Makes a network for a job to come, unless there is one. */
  async prepare(): Promise<void> {
    if (this.#idle.length > 0) return
    const place = await this.take({ name: 'warm', isStranger: false })
    await place.release()
  }

  /** Removes those that nobody uses; from now on each goes with its job. */
  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#proof) await (await this.#options.networks.get()).leaveEngine(this.#lend)
    for (const network of this.#idle.splice(0)) this.#left.add(network)
    await this.removeLeft()
  }

  /** Tries again to remove what the engine did not remove when it was given up; rejects where it still does not. */
  async removeLeft(): Promise<void> {
    await Promise.all([...this.#left].map((network) => this.#remove(network)))
  }

  #takeIdle(audience: Audience): Network | undefined {
    const index = this.#idle.findIndex((network) => network.audience === audience)
    return index < 0 ? undefined : this.#idle.splice(index, 1)[0]
  }

  /** Where the rules don't hold, nothing is closed by them. */
  #notes(networks: JobNetworks, { audience, bridge }: Network): readonly string[] {
    return bridge === undefined ? [] : networks.notesFor(audience)
  }

  #placeIn(network: Network): Omit<JobPlace, 'notes'> {
    const release = async (): Promise<void> => {
      if (this.#idle.length < MOST_IDLE && !this.#isClosed) this.#idle.push(network)
      else await this.#giveUp(network)
    }
    return { connection: { kind: 'network', ...network }, release }
  }

  /** With services, a network that reaches nothing but them. */
  async #without(spec: PlaceSpec, note?: string): Promise<JobPlace> {
    const told = { notes: note === undefined ? [] : [note] }
    if (!spec.services?.length) {
      return { connection: { kind: 'none' }, release: async () => {}, ...told }
    }
    const own = { network: networkName(spec.name), isInternal: true }
    const wanted = networkSettings(own, spec.name, this.#options)
    await this.#api.createNetwork(wanted).catch(async () => {
      // Podman refuses options of Docker's, and keeps such a network apart by itself.
      await this.#api.createNetwork({ ...wanted, Options: {} })
    })
    const release = () => this.#giveUp(own)
    return { connection: { kind: 'network', ...own }, release, ...told }
  }

  /** Undefined: there is none for this audience. */
  async #make(networks: JobNetworks, audience: Audience): Promise<Network | undefined> {
    if (networks.containers === 'ruled' && this.#farReason === '') {
      const network = await this.#makeRuled(networks, audience)
      if (network) return network
      const reason = this.#farReason
      this.#options.log.warn(
        { reason },
        'containers are kept from each other only, not from private networks',
      )
    }
    if (audience === 'strangers') return undefined
    const own = { network: networkName('job'), isInternal: false, audience }
    await this.#api.createNetwork(networkSettings(own, 'job', this.#options))
    return own
  }

  async #makeRuled(networks: JobNetworks, audience: Audience): Promise<Network | undefined> {
    const place = await networks.reserve(audience)
    const { bridge, resolver } = place
    const network = { network: networkName(bridge), isInternal: false, audience, bridge, resolver }
    try {
      await this.#api.createNetwork(networkSettings({ ...network, place }, bridge, this.#options))
    } catch (error) {
      networks.release(bridge)
      this.#farReason = `the engine makes no network as it is told: ${describeError(error)}`
      return undefined
    }
    if (await exists(`/sys/class/net/${bridge}`)) {
      // An engine that was told so leaves that to others.
      await writeSetting(`ipv4/conf/${bridge}/forwarding`, '1').catch(() => {})
      return network
    }
    this.#farReason = 'the engine has its networks elsewhere, not on the machine of the runner'
    await this.#giveUp(network)
    return undefined
  }

  /** Never rejects. */
  async #giveUp(network: Pick<Network, 'network' | 'bridge'>): Promise<void> {
    this.#left.add(network)
    await this.#remove(network).catch((error: unknown) => {
      const reason = describeError(error)
      this.#options.log.warn({ network: network.network, reason }, 'a network stays for now')
    })
  }

  async #remove(network: Pick<Network, 'network' | 'bridge'>): Promise<void> {
    await this.#api.removeNetwork(network.network)
    // Of two that were at it at once, the second may find the addresses with somebody else.
    if (!this.#left.delete(network) || network.bridge === undefined) return
    const networks = await this.#options.networks.get()
    networks.release(network.bridge)
  }
}

function noNetwork(why: string): string {
  return `this job has no network: it can't be kept from private ones here (${why})`
}

function audienceOf(isStranger: boolean): Audience {
  return isStranger ? 'strangers' : 'own'
}

/** Readable in `docker network ls`, and unlike any other. */
function networkName(name: string): string {
  const word = name.replaceAll(/[^A-Za-z0-9_.-]+/g, '-').slice(0, 80)
  return `narwhal-${word}-${randomBytes(4).toString('hex')}`
}
