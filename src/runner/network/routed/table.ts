import { createHash } from 'node:crypto'
import { NarwhalError } from '../../../lib/errors.ts'
import { type AddressPlan, overlapping, planAddresses } from '../address-range.ts'
import { closedToStrangers } from '../closed-to-strangers.ts'
import { runIp, runProgram } from '../commands.ts'
import { findHoles } from '../holes.ts'
import { listNames, type MachineFacts, readMachine, readNameServers } from '../machine.ts'
import type { NetworkOptions } from '../options.ts'
import { runnerId } from '../runner-id.ts'
import { allowInUserChain, removeFromUserChain } from './docker-user-chain.ts'
import { Forwarding } from './forwarding.ts'
import { type NamespaceDeps, removeNamespaces } from './namespaces.ts'
import { prefixOf, ruleText, tableOf } from './rules.ts'

/**
 * The rules of one runner, with the interface that has its resolvers' addresses. They follow the machine:
 * `refresh` restores them if they are missing, were changed, or no longer fit.
 */
export class Table implements AsyncDisposable {
  readonly id: string
  readonly plan: AddressPlan
  readonly #options: NetworkOptions
  readonly #forwarding: Forwarding
  readonly #ipv6: string | undefined
  #machine: MachineFacts
  #text = ''
  /** As listed by the kernel. */
  #listed = ''
  /** Whether an address is closed to strangers by the current rules. */
  #isClosed: (address: string) => boolean = () => true
  #missing: readonly string[] = []
  #clashing = ''

  private constructor(options: NetworkOptions, parts: Pick<Table, 'id' | 'plan'> & OpenParts) {
    this.id = parts.id
    this.plan = parts.plan
    this.#options = options
    this.#machine = parts.machine
    this.#ipv6 = parts.ipv6
    this.#forwarding = new Forwarding(parts.id, parts.former)
  }

  static async open(options: NetworkOptions): Promise<Table> {
    const hash = createHash('sha256').update(options.instance).digest()
    const id = runnerId(options.instance)
    const look = () => Promise.all([listTable(tableOf(id)), readMachine(), readNameServers()])
    let [former, machine, { servers }] = await look()
    // Routes of a previous process would count as taken.
    if (await sweepLinks(id)) [former, machine, { servers }] = await look()
    const plan = planAddresses({
      slots: options.slots,
      warmSandboxes: options.warmSandboxes,
      seed: hash.readUInt16BE(4),
      taken: [...machine.routed, ...options.settings.alsoPrivate, ...servers],
    })
    const hasIpv6 = machine.hasIpv6Default && (await Forwarding.canForwardIpv6())
    const ipv6 = hasIpv6 ? `fd${hash.toString('hex', 6, 7)}:${words(hash)}` : undefined
    const table = new Table(options, { id, plan, machine, ipv6, former })
    try {
      await Promise.all([table.#addResolvers(), table.#make(), allowInUserChain(prefixOf(id))])
      return table
    } catch (error) {
      await table[Symbol.asyncDispose]()
      throw error
    }
  }

  get name(): string {
    return tableOf(this.id)
  }

  get mtu(): number {
    return this.#machine.mtu
  }

  get hasIpv6(): boolean {
    return this.#ipv6 !== undefined
  }

  get namespaceDeps(): NamespaceDeps {
    return { id: this.id, plan: this.plan, mtu: () => this.mtu, ipv6: this.#ipv6 }
  }

  /** The machine's own segments, and what the operator has named. */
  get alsoPrivate(): readonly string[] {
    return [...this.#machine.onLink, ...this.#options.settings.alsoPrivate]
  }

  get ownAddresses(): readonly string[] {
    return this.#machine.ownAddresses
  }

  readonly isClosedToStrangers = (address: string): boolean => this.#isClosed(address)

  /** Resolves to whether the rules had to be written. */
  async refresh(): Promise<boolean> {
    this.#machine = await readMachine()
    this.#lookForClash()
    await allowInUserChain(prefixOf(this.id))
    return this.#make()
  }

  /** Addresses that the machine has a route to by now, and that jobs can't reach since they have the same. */
  get clashNote(): string {
    return this.#clashing === '' ? '' : `this job can't reach ${this.#clashing}: ${CLASH}`
  }

  #lookForClash(): void {
    const clashing = overlapping(this.#machine.foreign, this.plan.range).join(', ')
    if (clashing !== '' && clashing !== this.#clashing) {
      this.#options.log.warn({ routes: clashing, range: this.plan.range }, CLASH)
    }
    this.#clashing = clashing
  }

  async #make(): Promise<boolean> {
    const { settings, log } = this.#options
    const { holes, missing } = await findHoles(settings.reach)
    if (missing.join() !== this.#missing.join()) {
      log.warn({ hosts: missing }, "hosts of --reach not found: jobs can't reach them")
    }
    this.#missing = missing
    const text = ruleText({
      id: this.id,
      jobRanges: [this.plan.range, ...(this.#ipv6 ? [`${this.#ipv6}::/64`] : [])],
      resolvers: { own: this.plan.ownResolver, strangers: this.plan.strangersResolver },
      denyPrivate: settings.privateNetworks === 'deny',
      alsoPrivate: this.alsoPrivate,
      holes,
      ownAddresses: this.#machine.ownAddresses,
      guards: await this.#forwarding.open(this.#machine, this.hasIpv6),
    })
    if (text === this.#text && (await this.#list()) === this.#listed) return false
    await runProgram('nft', ['-f', '-'], text)
    const listed = await this.#list()
    if (rulesIn(listed) !== rulesIn(text)) {
      throw new NarwhalError(
        'unavailable',
        `another program changes table ${this.name} immediately: find and stop it`,
      )
    }
    this.#text = text
    this.#listed = listed
    this.#isClosed = closedToStrangers(
      this.alsoPrivate,
      holes.map(({ address }) => address),
    )
    return true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Until no job has an interface, the rules hold; usually none has by now.
    if (await hasJobs(this.id)) await sweepLinks(this.id)
    const table = `table inet ${this.name}`
    await Promise.all([
      removeFromUserChain(prefixOf(this.id)),
      sweepLinks(this.id),
      runProgram('nft', ['-f', '-'], `${table}\ndelete ${table}\n`).catch(() => {}),
    ])
    await this.#forwarding.close()
  }

  async #addResolvers(): Promise<void> {
    const { plan } = this
    const name = resolversOf(this.id)
    await runIp([
      `link add ${name} type bridge`,
      `link set dev ${name} addrgenmode none`,
      // With the prefix of the whole range: nobody else takes a part of it; unused addresses lead nowhere.
      `addr add ${plan.ownResolver}/${plan.range.split('/')[1]} dev ${name}`,
      `addr add ${plan.strangersResolver}/32 dev ${name}`,
      `link set dev ${name} up`,
    ])
  }

  /** Listed by the kernel; empty: there is none. */
  #list(): Promise<string> {
    return listTable(this.name)
  }
}

const CLASH =
  'jobs have addresses to which this machine has got a route; restart the runner, which chooses others'

/** The number of rules in a table, as written here or as listed by nft. */
function rulesIn(text: string): number {
  const rule = /^\s+(?:iifname|oifname|ip6?|jump|goto|meta|icmpv6|fib|reject|tcp) /gm
  return text.match(rule)?.length ?? 0
}

function listTable(name: string): Promise<string> {
  return runProgram('nft', ['list', 'table', 'inet', name]).catch(() => '')
}

interface OpenParts {
  /** The table of a previous process that was killed, as listed by nft. */
  readonly former: string
  readonly machine: MachineFacts
  readonly ipv6: string | undefined
}

function words(hash: Buffer): string {
  return [8, 10, 12].map((at) => hash.toString('hex', at, at + 2)).join(':')
}

/** The interface that has the addresses of a runner's resolvers. */
function resolversOf(id: string): string {
  return `${prefixOf(id)}r`
}

async function hasJobs(id: string): Promise<boolean> {
  const { links, namespaces } = await listNames(prefixOf(id))
  return namespaces.length > 0 || links.some((name) => name !== resolversOf(id))
}

/**
 * Removes what this runner, or a previous process of it, has on the machine, except for its rules. Resolves to whether
 * there was anything.
 */
async function sweepLinks(id: string): Promise<boolean> {
  const { links, namespaces } = await listNames(prefixOf(id))
  const all = [...new Set([...links, ...namespaces])]
  const { namespaces: outside } = await listNames(`nt${id}`)
  const isEmpty = all.length + outside.length === 0
  if (!isEmpty) await removeNamespaces([...all, ...outside])
  return !isEmpty
}
