import { NarwhalError } from '../../../lib/errors.ts'
import { type Connection, noConnection } from '../job-networks.ts'
import type { NetworkOptions } from '../options.ts'
import { prove } from '../proof/proof.ts'
import { ReadyPool } from '../routed/ready-pool.ts'
import type { Audience } from '../routed/rules.ts'
import { UnroutedNetworks } from '../unrouted-networks.ts'
import { openUserNetwork, type UserModeProgram, type UserNetwork } from './user-network.ts'

/** Each is two waiting processes. */
const MAX_READY = 2

/**
 * The network of jobs if the runner is an ordinary user: by pasta or slirp4netns. Private ranges can't be
 * closed to them, nor servers on the machine's outer addresses, so strangers get none.
 */
export class UserNetworks extends UnroutedNetworks {
  readonly containers = 'unruled'
  readonly #program: UserModeProgram
  readonly #pool: ReadyPool<UserNetwork>
  readonly #closing = new AbortController()
  readonly #options: NetworkOptions

  private constructor(program: UserModeProgram, options: NetworkOptions) {
    super('only root can make the rules that keep containers from private ranges')
    this.#program = program
    this.#options = options
    this.#pool = new ReadyPool({
      size: Math.min(options.ready, MAX_READY),
      make: () => openUserNetwork(program),
      discard: async (network: UserNetwork) => await network[Symbol.asyncDispose](),
      log: options.log,
    })
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
    if (audience === 'strangers') {
      const words = `this job has no network: ${this.#program} can't keep a stranger's job from private networks; run the runner as root, or name an image and an engine of a runner that is root`
      return noConnection(words)
    }
    if (this.#options.settings.privateNetworks === 'deny') {
      const words = `this job has no network: ${this.#program} can't keep it from private networks, as required by --private-networks deny; run the runner as root`
      return noConnection(words)
    }
    let network = await this.#pool.take()
    if (!network.isUp) {
      await network[Symbol.asyncDispose]()
      network = await openUserNetwork(this.#program)
    }
    const { enter, resolvConf } = network
    return {
      kind: 'job',
      enter,
      resolvConf,
      notes: [],
      [Symbol.asyncDispose]: async () => await network[Symbol.asyncDispose](),
    }
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort()
    await this.#pool[Symbol.asyncDispose]()
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
