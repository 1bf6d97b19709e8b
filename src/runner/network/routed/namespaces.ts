import type { AddressPlan } from '../address-range.ts'
import { runIp } from '../commands.ts'
import { ipBatch, NAMESPACE_BASICS, nested, runInside } from '../inside.ts'
import { type Audience, jobInterface } from './rules.ts'

/** A network namespace of one job, connected through the machine. */
export interface JobNamespace {
  /** Of the namespace, and of the machine's end of its interface. */
  readonly name: string
  /** The command prefix for a program in it. */
  readonly enter: readonly string[]
  readonly address: string
}

export interface NamespaceDeps {
  readonly id: string
  readonly plan: AddressPlan
  /** The first 64 bits of the jobs' IPv6 addresses, such as `fd12:3456:789a:1`; absent: no IPv6. */
  readonly ipv6?: string | undefined
  /** That of the machine's way out, now. */
  readonly mtu: () => number
}

/** The link-local addresses of the two ends. */
export const MACHINE_END = 'fe80::1'
const JOB_END = 'fe80::2'

/** Creates and removes namespaces; names and addresses are reused as late as possible. */
export class Namespaces {
  readonly #deps: NamespaceDeps
  readonly #inUse = new Set<number>()
  #next = 0

  constructor(deps: NamespaceDeps) {
    this.#deps = deps
  }

  /**
   * A veth pair, with one end in the namespace and one on the machine with a route to the job's single
   * address: no two jobs share a segment, and the interface of a packet tells whose it is.
   */
  async make(audience: Audience): Promise<JobNamespace> {
    const { id, plan, ipv6 } = this.#deps
    const mtu = this.#deps.mtu()
    const index = this.#take()
    const name = jobInterface(id, audience, `n${index.toString(36)}`)
    const address = plan.host(index)
    const gateway = plan.ownResolver
    const six = `${ipv6}::${(index + 16).toString(16)}`
    try {
      const outside = [
        `netns add ${name}`,
        `link add ${name} mtu ${mtu} type veth peer name eth0 netns ${name}`,
        `link set dev ${name} addrgenmode none`,
        `addr add ${gateway}/32 dev ${name}`,
        ...(ipv6 ? [`addr add ${MACHINE_END}/64 dev ${name} nodad`] : []),
        `link set dev ${name} up`,
        `route add ${address}/32 dev ${name}`,
        ...(ipv6 ? [`route add ${six}/128 dev ${name}`] : []),
      ]
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
      const forced = `ipv6/conf/${name}/force_forwarding`
      await runInside(
        [],
        [
          ipBatch(outside),
          'cd /proc/sys/net',
          `echo 1 >ipv4/conf/${name}/forwarding`,
          // If the setting does not exist, the machine forwards all IPv6.
          ...(ipv6 ? [`[ ! -e ${forced} ] || echo 1 >${forced} || :`] : []),
          nested(enterBy(name), [...NAMESPACE_BASICS, ipBatch(inside)]),
        ],
      )
      return { name, enter: enterBy(name), address }
    } catch (error) {
      await this.remove(name).catch(() => {})
      throw error
    }
  }

  /** Also removes incomplete ones, and those of its services; never rejects. */
  async remove(name: string, services: readonly string[] = []): Promise<void> {
    await removeNamespaces([name], services)
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

/** The command prefix for a program in this namespace. */
export function enterBy(name: string): readonly string[] {
  return ['nsenter', `--net=/run/netns/${name}`, '--']
}

/**
 * The interface is gone at once with its end on the machine; the kernel removes the namespace later. `others`
 * have no such end.
 */
export async function removeNamespaces(
  names: readonly string[],
  others: readonly string[] = [],
): Promise<void> {
  const lines = names.flatMap((name) => [`link del ${name}`, `netns del ${name}`])
  const more = others.map((name) => `netns del ${name}`)
  await runIp([...lines, ...more], { force: true }).catch(() => {})
}
