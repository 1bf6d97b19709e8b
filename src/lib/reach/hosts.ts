import { lookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { within } from '../async/within.ts'
import { describeError, NarwhalError } from '../errors.ts'
import { isInRange, type Nearness, nearnessOf } from './reach.ts'

/** An address of a host, as it was found and judged. */
export interface HostAddress {
  readonly address: string
  readonly family: 4 | 6
  readonly nearness: Nearness
}

/** Asks the machine's resolver; rejects where it has no answer. */
export type LookUp = (
  hostname: string,
) => Promise<readonly { readonly address: string; readonly family: number }[]>

export interface HostsOptions {
  /** Which addresses may be asked; all but those that never are unless told. */
  readonly isAllowed?: (nearness: Nearness) => boolean
  /** Hosts that may be asked all the same: names, wherever they are but among those, and ranges such as 10.0.0.0/8. */
  readonly named?: readonly string[]
  readonly lookUp?: LookUp
  /** What the operator says where something is refused; --user-requests unless told. */
  readonly settings?: string
}

const LOOK_UP_MS = 20_000
const ORDER: readonly Nearness[] = ['public', 'private', 'own', 'never']

/**
 * Where the hosts are that Narwhal asks something for users: each is looked up once for each use, all its addresses are judged,
 * and the connection goes to what was judged, since another look might bring another answer.
 */
export class Hosts {
  readonly #isAllowed: (nearness: Nearness) => boolean
  readonly #named: readonly string[]
  readonly #lookUp: LookUp
  readonly #settings: string
  readonly #bounded = new Map<Nearness, Hosts>()

  constructor({
    isAllowed = (nearness) => nearness !== 'never',
    named = [],
    lookUp = (hostname) => lookup(hostname, { all: true }),
    settings = '--user-requests',
  }: HostsOptions = {}) {
    this.#isAllowed = isAllowed
    this.#named = named
    this.#lookUp = lookUp
    this.#settings = settings
  }

  /**
   * The addresses of a host, at least one. Rejects with `forbidden`, in the same words whatever is there, where
   * one of them is none that may be asked, and with `unavailable` where it can't be found.
   */
  async find(hostname: string): Promise<readonly [HostAddress, ...HostAddress[]]> {
    const found = await this.#ask(hostname.replace(/^\[(.*)\]$/, '$1'))
    const [first, ...others] = found.map(({ address, family }): HostAddress => {
      return { address, family: family === 6 ? 6 : 4, nearness: nearnessOf(address) }
    })
    if (!first) throw new NarwhalError('unavailable', `there is no host ${hostname}`)
    const all = [first, ...others] as const
    if (all.every((one) => this.#mayBe(one, hostname))) return all
    throw this.#refused(hostname)
  }

  /** The same for a client that connects by itself; it asks for no URL that has an address: see `check`. */
  readonly lookup: LookupFunction = (hostname, options, done) => {
    this.find(hostname).then(
      (found) => connectTo(found)(hostname, options, done),
      (error: unknown) => done(NarwhalError.from(error), '', 4),
    )
  }

  /** Throws `forbidden` where a URL has an address that may not be asked, and not a name. */
  check({ hostname }: URL): void {
    const address = hostname.replace(/^\[(.*)\]$/, '$1')
    if (isIP(address) === 0) return
    if (!this.#mayBe({ address, nearness: nearnessOf(address) }, hostname))
      throw this.#refused(hostname)
  }

  /** As they are found here, by another rule. */
  allowing(isAllowed: (nearness: Nearness) => boolean, settings = this.#settings): Hosts {
    return new Hosts({ isAllowed, named: this.#named, lookUp: this.#lookUp, settings })
  }

  /** The same, but nothing nearer than this: what somebody outside names leads no further in than they are. */
  atMost(bound: Nearness): Hosts {
    const known = this.#bounded.get(bound)
    if (known) return known
    const bounded = this.allowing(
      (nearness) => ORDER.indexOf(nearness) <= ORDER.indexOf(bound) && this.#isAllowed(nearness),
      `${this.#settings}, --fetch-hosts`,
    )
    this.#bounded.set(bound, bounded)
    return bounded
  }

  #refused(hostname: string): NarwhalError {
    const words = `${hostname} is at an address that is not asked for users (see ${this.#settings})`
    return new NarwhalError('forbidden', words)
  }

  #mayBe(
    { address, nearness }: Pick<HostAddress, 'address' | 'nearness'>,
    hostname: string,
  ): boolean {
    if (this.#isAllowed(nearness)) return true
    const name = hostname.replace(/\.$/, '').toLowerCase()
    return this.#named.some((one) =>
      one.includes('/') ? isInRange(address, one) : one === name && nearness !== 'never',
    )
  }

  async #ask(hostname: string) {
    const words = `no name server tells in ${LOOK_UP_MS / 1000} s where ${hostname} is`
    const late = new NarwhalError('unavailable', words)
    try {
      return await within(LOOK_UP_MS, this.#lookUp(hostname), late)
    } catch (cause) {
      if (cause instanceof NarwhalError) throw cause
      const isNone = (cause as { code?: unknown }).code === 'ENOTFOUND'
      const why = isNone ? '' : ` that is found: ${describeError(cause)}`
      throw new NarwhalError('unavailable', `there is no host ${hostname}${why}`, { cause })
    }
  }
}

/** What nobody has restricted: anything but what is never asked. */
export const ANY_HOSTS = new Hosts()

/** Has a client connect to what was found before. */
export function connectTo(found: readonly [HostAddress, ...HostAddress[]]): LookupFunction {
  return (_hostname, options, done) => {
    const all = found.map(({ address, family }) => ({ address, family }))
    if (options.all) done(null, all)
    else done(null, found[0].address, found[0].family)
  }
}

/** How near the nearest of them is. */
export function nearest(found: readonly HostAddress[]): Nearness {
  const at = found.map(({ nearness }) => ORDER.indexOf(nearness))
  return ORDER[Math.max(0, ...at)] ?? 'never'
}
