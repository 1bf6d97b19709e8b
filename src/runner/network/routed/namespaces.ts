import type { AddressPlan } from '../address-range.ts'
import { runIp } from '../commands.ts'
import { writeSetting } from '../machine.ts'
import { type Audience, jobInterface } from './rules.ts'

/** A network namespace of one job, with a way out by the machine. */
export interface JobNamespace {
  /** Of the namespace, and of the machine's end of its interface. */
  readonly name: string
  /** What a program is started in it through. */
  readonly enter: readonly string[]
  readonly address: string
}

export interface NamespaceDeps {
  readonly id: string
  readonly plan: AddressPlan
  /** The first 64 bits of the jobs' IPv6 addresses, such as `fd12:3456:789a:1`; absent: they have none. */
  readonly ipv6?: string | undefined
  readonly mtu: number
}

/** The link-local addresses of the two ends. */
export const MACHINE_END = 'fe80::1'
const JOB_END = 'fe80::2'

/** Makes and removes namespaces; a name and its address come again only after all others. */
export class Namespaces {
  readonly #deps: NamespaceDeps
  readonly #inUse = new Set<number>()
  #next = 0

  constructor(deps: NamespaceDeps) {
    this.#deps = deps
  }

  /**
   * The ends of a cable, one in the namespace, one on the machine with a route to the job's one address:
   * no two jobs are on one segment, and by which end a packet comes in says whose it is.
   */
  async make(audience: Audience): Promise<JobNamespace> {
    const { id, plan, ipv6, mtu } = this.#deps
    const index = this.#take()
    const name = jobInterface(id, audience, `n${index.toString(36)}`)
    const address = plan.host(index)
    const gateway = plan.ownResolver
    const six = `${ipv6}::${(index + 16).toString(16)}`
    try {
      await runIp([
        `netns add ${name}`,
        `link add ${name} mtu ${mtu} type veth peer name eth0 netns ${name}`,
        `link set dev ${name} addrgenmode none`,
        `addr add ${gateway}/32 dev ${name}`,
        ...(ipv6 ? [`addr add ${MACHINE_END}/64 dev ${name} nodad`] : []),
        `link set dev ${name} up`,
        `route add ${address}/32 dev ${name}`,
        ...(ipv6 ? [`route add ${six}/128 dev ${name}`] : []),
      ])
      const inside = [
        'link set dev lo up',
        `link set dev eth0 mtu ${mtu} addrgenmode none`,
        `addr add ${address}/32 dev eth0`,
        ...(ipv6
          ? [`addr add ${JOB_END}/64 dev eth0 nodad`, `addr add ${six}/128 dev eth0 nodad`]
          : []),
        'link set dev eth0 up',
        `route add ${gateway}/32 dev eth0`,
        `route add default via ${gateway} dev eth0`,
        ...(ipv6 ? [`route add default via ${MACHINE_END} dev eth0`] : []),
      ]
      await Promise.all([
        runIp(inside, { namespace: name }),
        writeSetting(`ipv4/conf/${name}/forwarding`, '1'),
        // Where there is no such setting, the machine forwards all of IPv6.
        ipv6 ? writeSetting(`ipv6/conf/${name}/force_forwarding`, '1').catch(() => {}) : undefined,
      ])
      return { name, enter: enterBy(name), address }
    } catch (error) {
      await this.remove(name).catch(() => {})
      throw error
    }
  }

  /** Also what is only half there; never rejects. */
  async remove(name: string): Promise<void> {
    await removeNamespaces([name])
    const { length } = jobInterface(this.#deps.id, 'own', 'n')
    this.#inUse.delete(Number.parseInt(name.slice(length), 36))
  }

  #take(): number {
    const { hosts } = this.#deps.plan
    for (let tries = 0; tries < hosts; tries++) {
      const index = (this.#next + tries) % hosts
      if (this.#inUse.has(index)) continue
      this.#inUse.add(index)
      this.#next = index + 1
      return index
    }
    throw new Error('all addresses of jobs are in use')
  }
}

/** What a program is started in this namespace through. */
export function enterBy(name: string): readonly string[] {
  return ['nsenter', `--net=/run/netns/${name}`, '--']
}

/** The interface goes with its end on the machine, at once, and the namespace when the kernel comes to it. */
export async function removeNamespaces(names: readonly string[]): Promise<void> {
  const lines = names.flatMap((name) => [`link del ${name}`, `netns del ${name}`])
  await runIp(lines, { force: true }).catch(() => {})
}
