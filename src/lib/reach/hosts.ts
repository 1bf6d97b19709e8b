import { lookup } from 'node:dns/promises'
import { isIP, type LookupFunction } from 'node:net'
import { within } from '../async/within.ts'
import { describeError, NarwhalError } from '../errors.ts'
import { isInRange, type Nearness, nearnessOf } from './reach.ts'

/** An address of a host, looked up and classified. */
export interface HostAddress {
  readonly address: string
  readonly family: 4 | 6
  readonly nearness: Nearness
}

/** Asks the machine's resolver; rejects if it has no answer. */
export type LookUp = (
  hostname: string,
) => Promise<readonly { readonly address: string; readonly family: number }[]>

export interface HostsOptions {
  /** Which addresses are allowed; by default all but `never`. */
  readonly isAllowed?: (nearness: Nearness) => boolean
  /** Hosts that are allowed in addition: names, except at `never` addresses, and ranges as 10.0.0.0/8. */
  readonly named?: readonly string[]
  readonly lookUp?: LookUp
  /** The setting that a refusal points to; --user-requests by default. */
  readonly settings?: string
}

const LOOK_UP_MS = 20_000
const ORDER: readonly Nearness[] = ['public', 'private', 'own', 'never']

/**
 * Guards requests that Narwhal makes on behalf of users against SSRF: each host is looked up once per use,
 * all of its addresses are checked, and the connection goes to a checked one, since a second lookup might
 * give another answer (DNS rebinding).
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
   * The addresses of a host, at least one. Rejects with `forbidden`, with the same message whatever is there,
   * if any of them is not allowed, and with `unavailable` if it can't be found.
   */
  async find(hostname: string): Promise<readonly [HostAddress, ...HostAddress[]]> {
    const found = await this.#ask(hostname.replace(/^\[(.*)\]$/, '$1'))
    const [first, ...others] = found.map(({ address, family }): HostAddress => {
      return { address, family: family === 6 ? 6 : 4, nearness: nearnessOf(address) }
    })
    if (!first) throw new NarwhalError('unavailable', `host ${hostname} has no address`)
    const all = [first, ...others] as const
    if (all.every((one) => this.#mayBe(one, hostname))) return all
    throw this.#refused(hostname)
  }

  /** The same for clients that connect by themselves, except for URLs with an IP address: see `check`. */
  readonly lookup: LookupFunction = (hostname, options, done) => {
    this.find(hostname).then(
      (found) => connectTo(found)(hostname, options, done),
      (error: unknown) => done(NarwhalError.from(error), '', 4),
    )
  }

  /** Throws `forbidden` if the URL has an IP address instead of a name, and it is not allowed. */
  check({ hostname }: URL): void {
    const address = hostname.replace(/^\[(.*)\]$/, '$1')
    if (isIP(address) === 0) return
    if (!this.#mayBe({ address, nearness: nearnessOf(address) }, hostname))
      throw this.#refused(hostname)
  }

  /** The same lookups under another rule. */
  allowing(isAllowed: (nearness: Nearness) => boolean, settings = this.#settings): Hosts {
    return new Hosts({ isAllowed, named: this.#named, lookUp: this.#lookUp, settings })
  }

  /** The same, but nothing nearer than `bound`: a name leads no further in than its author is. */
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
    const words = `${hostname} is at an address that users' requests may not reach (see ${this.#settings})`
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
    const words = `looking up ${hostname} took longer than ${LOOK_UP_MS / 1000} s: check this machine's name servers`
    const late = new NarwhalError('unavailable', words)
    try {
      return await within(LOOK_UP_MS, this.#lookUp(hostname), late)
    } catch (cause) {
      if (cause instanceof NarwhalError) throw cause
      const isNone = (cause as { code?: unknown }).code === 'ENOTFOUND'
      const why = isNone ? 'does not exist' : `can't be looked up: ${describeError(cause)}`
      throw new NarwhalError('unavailable', `host ${hostname} ${why}`, { cause })
    }
  }
}

/** Without restrictions of the operator: anything but `never`. */
export const ANY_HOSTS = new Hosts()

/** Makes a client connect to addresses that were looked up before. */
export function connectTo(found: readonly [HostAddress, ...HostAddress[]]): LookupFunction {
  return (_hostname, options, done) => {
    const all = found.map(({ address, family }) => ({ address, family }))
    if (options.all) done(null, all)
    else done(null, found[0].address, found[0].family)
  }
}

/** The nearest of their nearnesses. */
export function nearest(found: readonly HostAddress[]): Nearness {
  const at = found.map(({ nearness }) => ORDER.indexOf(nearness))
  return ORDER[Math.max(0, ...at)] ?? 'never'
}
