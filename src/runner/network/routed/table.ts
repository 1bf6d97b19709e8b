import { createHash } from 'node:crypto'
import { NarwhalError } from '../../../lib/errors.ts'
import { type AddressPlan, planAddresses } from '../address-range.ts'
import { closedToStrangers } from '../closed-to-strangers.ts'
import { runIp, runProgram } from '../commands.ts'
import { findHoles } from '../holes.ts'
import { listNames, type MachineFacts, readMachine, readNameServers } from '../machine.ts'
import type { NetworkOptions } from '../options.ts'
import { allowInUserChain, removeFromUserChain } from './docker-user-chain.ts'
import { Forwarding } from './forwarding.ts'
import { type NamespaceDeps, removeNamespaces } from './namespaces.ts'
import { prefixOf, ruleText, tableOf } from './rules.ts'

/**
 * The rules of one runner, with the interface that has the addresses of its resolvers. They follow the
 * machine: `refresh` makes them anew when they are gone, were changed, or do not fit any more.
 */
export class Table implements AsyncDisposable {
  readonly id: string
  readonly plan: AddressPlan
  readonly #options: NetworkOptions
  readonly #forwarding: Forwarding
  readonly #ipv6: string | undefined
  #machine: MachineFacts
  #text = ''
  /** As the kernel has them. */
  #listed = ''
  /** What is in closed ranges for strangers, by the rules that stand. */
  #isClosed: (address: string) => boolean = () => true
  #missing: readonly string[] = []

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
    const id = hash.toString('hex').slice(0, 6)
    const former = await listTable(tableOf(id))
    await sweepLinks(id)
    const machine = await readMachine()
    const { servers } = await readNameServers()
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
    return { id: this.id, plan: this.plan, mtu: this.mtu, ipv6: this.#ipv6 }
  }

  /** The machine's own segments, and what the operator has named. */
  get alsoPrivate(): readonly string[] {
    return [...this.#machine.onLink, ...this.#options.settings.alsoPrivate]
  }

  get ownAddresses(): readonly string[] {
    return this.#machine.ownAddresses
  }

  readonly isClosedToStrangers = (address: string): boolean => this.#isClosed(address)

  /** Resolves to whether the rules had to be made, anew or for the first time. */
  async refresh(): Promise<boolean> {
    this.#machine = await readMachine()
    await allowInUserChain(prefixOf(this.id))
    return this.#make()
  }

  async #make(): Promise<boolean> {
    const { settings, log } = this.#options
    const { holes, missing } = await findHoles(settings.reach)
    if (missing.join() !== this.#missing.join()) {
      log.warn({ hosts: missing }, 'hosts of --reach have no address now: jobs do not reach them')
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
      throw new NarwhalError('unavailable', `somebody else changes table ${this.name} at once`)
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
    await removeFromUserChain(prefixOf(this.id))
    await sweepLinks(this.id)
    const table = `table inet ${this.name}`
    await runProgram('nft', ['-f', '-'], `${table}\ndelete ${table}\n`).catch(() => {})
    await this.#forwarding.close()
  }

  async #addResolvers(): Promise<void> {
    const { plan } = this
    const name = `${prefixOf(this.id)}r`
    await runIp([
      `link add ${name} type bridge`,
      `link set dev ${name} addrgenmode none`,
      // With the whole range: nobody else takes a part of it, and what no job has leads nowhere.
      `addr add ${plan.ownResolver}/${plan.range.split('/')[1]} dev ${name}`,
      `addr add ${plan.strangersResolver}/32 dev ${name}`,
      `link set dev ${name} up`,
    ])
  }

  /** What the kernel has of it; empty: nothing. */
  #list(): Promise<string> {
    return listTable(this.name)
  }
}

/** How many rules there are in a table, as we write it or as nft lists it. */
function rulesIn(text: string): number {
  const rule = /^\s+(?:iifname|oifname|ip6?|jump|goto|meta|icmpv6|fib|reject|tcp) /gm
  return text.match(rule)?.length ?? 0
}

function listTable(name: string): Promise<string> {
  return runProgram('nft', ['list', 'table', 'inet', name]).catch(() => '')
}

interface OpenParts {
  /** The table of a former process that was killed, as nft lists it. */
  readonly former: string
  readonly machine: MachineFacts
  readonly ipv6: string | undefined
}

function words(hash: Buffer): string {
  return [8, 10, 12].map((at) => hash.toString('hex', at, at + 2)).join(':')
}

/** Removes what this runner, or a former process of it, has on the machine but for its rules. */
async function sweepLinks(id: string): Promise<void> {
  const { links, namespaces } = await listNames(prefixOf(id))
  const all = [...new Set([...links, ...namespaces])]
  const { namespaces: outside } = await listNames(`nt${id}`)
  if (all.length + outside.length > 0) await removeNamespaces([...all, ...outside])
}
