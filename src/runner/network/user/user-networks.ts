import { NarwhalError } from '../../../lib/errors.ts'
import { planAddresses } from '../address-range.ts'
import { isProgram } from '../commands.ts'
import { type Connection, noConnection } from '../job-networks.ts'
import { readMachine } from '../machine.ts'
import type { NetworkOptions } from '../options.ts'
import { prove } from '../proof/proof.ts'
import { ReadyPool } from '../routed/ready-pool.ts'
import type { Audience } from '../routed/rules.ts'
import type { JobSegment, SegmentSpec } from '../segment.ts'
import { ClosedSegments } from '../segments/closed-segments.ts'
import { disposedBy, openSegment } from '../segments/open-segment.ts'
import { userGround } from '../segments/user-ground.ts'
import { UnroutedNetworks } from '../unrouted-networks.ts'
import type { HolderIds } from './holder.ts'
import { openUserNetwork, type UserModeProgram, type UserNetwork } from './user-network.ts'

/** Each is two waiting processes. */
const MAX_READY = 2
/** Between a job and its services, in bytes. */
const SEGMENT_MTU = 1_500
/** Addresses of the programs themselves, in the network of a job. */
const PROGRAMS_OWN = ['10.0.2.0/24', '169.254.0.0/16']

/**
 * The network of jobs if the runner is an ordinary user: by pasta or slirp4netns. Private ranges can't be
 * closed to them, nor servers on the machine's outer addresses, so strangers get none.
 */
export class UserNetworks extends UnroutedNetworks {
  readonly containers = 'unruled'
  readonly places = 'all'
  readonly #program: UserModeProgram
  readonly #pool: ReadyPool<UserNetwork>
  /** For jobs in containers; filled from the first of them on. */
  readonly #containerPool: ReadyPool<UserNetwork>
  readonly #closed: ClosedSegments
  readonly #closing = new AbortController()
  readonly #options: NetworkOptions

  private constructor(program: UserModeProgram, options: NetworkOptions) {
    super('only root can make the rules that keep containers from private ranges')
    this.#program = program
    this.#options = options
    const poolOf = (ids: HolderIds) =>
      new ReadyPool({
        size: Math.min(options.ready, MAX_READY),
        make: () => openUserNetwork(program, ids),
        discard: async (network: UserNetwork) => await network[Symbol.asyncDispose](),
        log: options.log,
      })
    this.#pool = poolOf('current')
    this.#containerPool = poolOf('all')
    this.#closed = new ClosedSegments(options.instance, { sweeps: false })
  }

  /** Rejects with `unavailable` if the program makes no network here, or one that is not isolated. */
  static async open(program: UserModeProgram, options: NetworkOptions): Promise<UserNetworks> {
    const networks = new UserNetworks(program, options)
    try {
      await networks.#prove()
    } catch (error) {
      await networks[Symbol.asyncDispose]()
      throw error
    }
    if (options.stays) networks.#pool.fill()
    return networks
  }

  async connect(audience: Audience): Promise<Connection> {
    const why = this.#whyNone(audience)
    if (why !== '') return noConnection(why)
    const network = await this.#take('current')
    const { enter, resolvConf } = network
    return {
      kind: 'job',
      enter,
      resolvConf,
      notes: [],
      [Symbol.asyncDispose]: async () => await network[Symbol.asyncDispose](),
    }
  }

  async segment(spec: SegmentSpec): Promise<JobSegment> {
    const why = spec.reach === 'none' ? '' : this.#whyNone(spec.audience)
    if (spec.reach === 'none' || why !== '') {
      return await this.#closed.open(spec, why === '' ? [] : [why])
    }
    if (spec.services.length > 0 && !(await isProgram('nft'))) {
      const words = "services can't be connected: the runner needs nft: apt-get install nftables"
      throw new NarwhalError('unavailable', words)
    }
    await using stack = new AsyncDisposableStack()
    const network = stack.use(await this.#take('all'))
    const opened = await openSegment(spec, {
      ground: userGround(network.holder, network.resolvConf),
      subnet: spec.services.length === 0 ? '' : await freeSubnet(),
      mtu: SEGMENT_MTU,
      prefix: 'job',
      notes: [],
    })
    const owned = stack.move()
    return disposedBy(opened, () => owned.disposeAsync())
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await Promise.all([
      this.#pool[Symbol.asyncDispose](),
      this.#containerPool[Symbol.asyncDispose](),
    ])
  }

  /** Why a job for this audience gets no network; empty: it gets one. */
  #whyNone(audience: Audience): string {
    if (audience === 'strangers') {
      return `this job has no network: ${this.#program} can't keep a stranger's job from private networks; run the runner as root, or name an image and an engine of a runner that is root`
    }
    if (this.#options.settings.privateNetworks === 'deny') {
      return `this job has no network: ${this.#program} can't keep it from private networks, as required by --private-networks deny; run the runner as root`
    }
    return ''
  }

  async #take(ids: HolderIds): Promise<UserNetwork> {
    const network = await (ids === 'all' ? this.#containerPool : this.#pool).take()
    if (network.isUp) return network
    await network[Symbol.asyncDispose]()
    return await openUserNetwork(this.#program, ids)
  }

  /** Proves that the machine's loopback and abstract sockets are out of reach. */
  async #prove(): Promise<void> {
    await using network = await openUserNetwork(this.#program)
    // slirp4netns's address of the machine; unused elsewhere.
    const machine = ['127.0.0.1', '::1', '10.0.2.2']
    const { enter } = network
    const proof = await prove({ enter, machine, ranges: [], signal: this.#closing.signal })
    if (proof.open.length === 0) return
    const words = `${this.#program} does not keep jobs from ${proof.open.join(', ')}: use a newer one`
    throw new NarwhalError('unavailable', words)
  }
}

/** Of addresses that lead nowhere else from this machine, and so from the job. */
async function freeSubnet(): Promise<string> {
  const { routed } = await readMachine()
  const taken = [...routed, ...PROGRAMS_OWN]
  return planAddresses({ slots: 1, warmSandboxes: 0, seed: 0, taken }).network(0).subnet
}
