import { randomBytes } from 'node:crypto'
import { describeError } from '../../../../lib/errors.ts'
import { exists } from '../../../../lib/exists.ts'
import type { Logger } from '../../../../lib/log.ts'
import { IDLE_NETWORKS } from '../../../network/address-range.ts'
import type { EngineNetwork, JobNetworks } from '../../../network/job-networks.ts'
import { writeSetting } from '../../../network/machine.ts'
import type { NetworkSource } from '../../../network/network-source.ts'
import type { Audience } from '../../../network/routed/rules.ts'
import {
  audienceOf,
  type ContainerNetworks,
  type JobPlace,
  type PlaceSpec,
} from '../../containers/container-networks.ts'
import type { ContainerConnection, ContainerNetwork } from '../../containers/container-spec.ts'
import type { DockerApi } from './docker-api.ts'
import { networkSettings, RUNNER_LABEL } from './docker-settings.ts'

export interface DockerNetworksOptions {
  readonly instance: string
  readonly networks: Pick<NetworkSource, 'get'>
  readonly log: Logger
}

interface Network extends ContainerNetwork {
  readonly audience: Audience
  /** The machine's bridge; absent where its rules don't apply. */
  readonly bridge?: string
}

/** A network that was given up; until the engine has removed it, its range of addresses stays reserved. */
type Left = Pick<Network, 'network' | 'bridge'>

/** Ranges that are tried: of one, a part may be in use by somebody else since the plan was made. */
const MAX_TRIES = 2
/** After this time an engine that refused them all is tried again, in milliseconds. */
const RETRY_MS = 60_000

/**
 * The networks of an engine's jobs, one per job: no job reaches another. If the engine's bridges are this
 * machine's, its rules apply to them as well; if not, as with a remote engine, a job reaches what the engine
 * lets it reach, and a stranger's job has no network. Released networks are reused, empty, for the same
 * audience.
 */
export class DockerNetworks implements ContainerNetworks {
  readonly #api: DockerApi
  readonly #options: DockerNetworksOptions
  readonly #idle: Network[] = []
  readonly #left = new Set<Left>()
  /** Why the rules don't apply to this engine's networks, and until when (`performance.now()`) that holds. */
  #far = { reason: '', until: 0 }
  #isClosed = false
  /** Set once the engine is known to create networks that the rules apply to. */
  #proof: Promise<void> | undefined

  constructor(api: DockerApi, options: DockerNetworksOptions) {
    this.#api = api
    this.#options = options
  }

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
   * Why a network is not isolated; empty if it is. Its rules are proven from inside once the first such
   * network exists; only a stranger's job waits for that.
   */
  async #whyOpen(networks: JobNetworks, { isStranger }: PlaceSpec): Promise<string> {
    if (networks.containers !== 'ruled' || this.#farReason !== '') return ''
    this.#proof ??= networks.proveEngine(this.#lend)
    if (!isStranger) return ''
    await this.#proof
    await networks.check('strangers')
    return networks.engineTrouble
  }

  get #farReason(): string {
    return performance.now() < this.#far.until ? this.#far.reason : ''
  }

  readonly #lend = async (place: EngineNetwork): Promise<AsyncDisposable> => {
    const { bridge } = place
    const network = networkName(`proof-${bridge}`)
    const own = { network, bridge, isInternal: false, place, isProof: true }
    try {
      await this.#api.createNetwork(networkSettings(own, bridge, this.#options.instance))
    } catch (error) {
      await this.#giveUp(own)
      throw error
    }
    await allowForwarding(bridge)
    return { [Symbol.asyncDispose]: () => this.#giveUp(own) }
  }

  async prepare(): Promise<void> {
    if (this.#idle.length > 0) return
    const place = await this.take({ name: 'warm', isStranger: false })
    await place.release()
  }

  async reap(): Promise<void> {
    for (const id of await this.#api.listNetworks(RUNNER_LABEL, this.#options.instance)) {
      await this.#api.removeNetwork(id)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#proof) await (await this.#options.networks.get()).leaveEngine(this.#lend)
    for (const network of this.#idle.splice(0)) this.#left.add(network)
    await this.removeLeft()
  }

  async removeLeft(): Promise<void> {
    await Promise.all([...this.#left].map((network) => this.#remove(network)))
  }

  #takeIdle(audience: Audience): Network | undefined {
    const index = this.#idle.findIndex((network) => network.audience === audience)
    return index < 0 ? undefined : this.#idle.splice(index, 1)[0]
  }

  /** Without a bridge no rules apply, so nothing is closed by them. */
  #notes(networks: JobNetworks, { audience, bridge }: Network): readonly string[] {
    return bridge === undefined ? [] : networks.notesFor(audience)
  }

  #placeIn(network: Network): Omit<JobPlace, 'notes'> {
    const release = async (): Promise<void> => {
      if (this.#idle.length < IDLE_NETWORKS && !this.#isClosed) this.#idle.push(network)
      else await this.#giveUp(network)
    }
    return { ...connected({ kind: 'network', ...network }), release }
  }

  /** No network; with services, one that reaches nothing but them. */
  async #without(spec: PlaceSpec, note?: string): Promise<JobPlace> {
    const notes = { notes: note === undefined ? [] : [note] }
    if (!spec.services?.length) {
      return { ...connected({ kind: 'none' }), release: async () => {}, ...notes }
    }
    const own = { network: networkName(spec.name), isInternal: true }
    const wanted = networkSettings(own, spec.name, this.#options.instance)
    await this.#api.createNetwork(wanted).catch(async () => {
      // Podman rejects Docker's options, and isolates such a network by default.
      await this.#api.createNetwork({ ...wanted, Options: {} })
    })
    const release = () => this.#giveUp(own)
    return { ...connected({ kind: 'network', ...own }), release, ...notes }
  }

  /** Undefined if this audience gets no network. */
  async #make(networks: JobNetworks, audience: Audience): Promise<Network | undefined> {
    if (networks.containers === 'ruled' && this.#farReason === '') {
      const network = await this.#makeRuled(networks, audience)
      if (network) return network
      const reason = this.#farReason
      this.#options.log.warn(
        { reason },
        'containers are isolated from each other only, not from private networks',
      )
    }
    if (audience === 'strangers') return undefined
    const own = { network: networkName('job'), isInternal: false, audience }
    await this.#api.createNetwork(networkSettings(own, 'job', this.#options.instance))
    return own
  }

  /** Undefined if the rules don't apply to this engine's networks. */
  async #makeRuled(networks: JobNetworks, audience: Audience): Promise<Network | undefined> {
    let reason = ''
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const place = await networks.reserve(audience)
      const { bridge, resolver } = place
      const own = { network: networkName(bridge), isInternal: false, audience, bridge, resolver }
      try {
        await this.#api.createNetwork(
          networkSettings({ ...own, place }, bridge, this.#options.instance),
        )
      } catch (error) {
        // It may exist all the same, if only the answer was lost.
        await this.#giveUp(own)
        // An engine that is down has refused nothing: this job is retried.
        await this.#api.ping()
        reason = `the engine refuses to create such a network: ${describeError(error)}`
        continue
      }
      if (await exists(`/sys/class/net/${bridge}`)) {
        await allowForwarding(bridge)
        return own
      }
      // Podman makes a bridge only with the first container.
      reason = "the engine has made no bridge on the runner's machine"
      this.#far = { reason, until: Number.POSITIVE_INFINITY }
      await this.#giveUp(own)
      return undefined
    }
    this.#far = { reason, until: performance.now() + RETRY_MS }
    return undefined
  }

  /** Never rejects. */
  async #giveUp(network: Left): Promise<void> {
    this.#left.add(network)
    await this.#remove(network).catch((error: unknown) => {
      const reason = describeError(error)
      this.#options.log.warn(
        { network: network.network, reason },
        'network not removed: retrying later',
      )
    })
  }

  async #remove(network: Left): Promise<void> {
    await this.#api.removeNetwork(network.network)
    // If two calls remove it concurrently, only one frees the range: it may be somebody else's by now.
    if (!this.#left.delete(network) || network.bridge === undefined) return
    const networks = await this.#options.networks.get()
    networks.release(network.bridge)
  }
}

/** An engine that is configured so leaves it to others. */
async function allowForwarding(bridge: string): Promise<void> {
  await writeSetting(`ipv4/conf/${bridge}/forwarding`, '1').catch(() => {})
}

function noNetwork(why: string): string {
  return `this job has no network: it can't be kept from private ones here (${why})`
}

/** All containers of a job are in one network, where the engine knows their names. */
function connected(connection: ContainerConnection) {
  return { connection, ofService: async () => connection }
}

/** Readable in `docker network ls`, and unique. */
function networkName(name: string): string {
  const word = name.replaceAll(/[^A-Za-z0-9_.-]+/g, '-').slice(0, 80)
  return `narwhal-${word}-${randomBytes(4).toString('hex')}`
}
