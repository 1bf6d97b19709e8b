import { runIp } from '../commands.ts'
import { writeSetting } from '../machine.ts'
import type { ProofPlace } from '../proof/proof.ts'
import { enterBy, removeNamespaces } from '../routed/namespaces.ts'

/** A place that belongs to no job and has addresses of the outside, for the time of a proof. */
export interface Outside extends AsyncDisposable {
  readonly place: ProofPlace
  readonly addresses: readonly string[]
}

/** For documentation, never in real use (RFC 5737, RFC 3849). */
const IPV4 = '198.51.100'
const IPV6 = '2001:db8:6e77:1'
const MAX_TRIES = 8

/** A namespace behind the machine: packets to it are forwarded like those to the outside, but go nowhere. */
export async function openOutside(id: string, hasIpv6: boolean): Promise<Outside> {
  const name = `nt${id}`
  await removeNamespaces([name])
  for (let tries = 0; ; tries++) {
    try {
      return await make(name, (Number.parseInt(id, 16) + tries) % 127, hasIpv6)
    } catch (error) {
      await removeNamespaces([name])
      // Another runner of this machine may be using the same addresses.
      if (tries >= MAX_TRIES) throw error
    }
  }
}

async function make(name: string, number: number, hasIpv6: boolean): Promise<Outside> {
  const machine = `${IPV4}.${number * 2}`
  const address = `${IPV4}.${number * 2 + 1}`
  const machine6 = `${IPV6}::${(number * 2).toString(16)}`
  const address6 = `${IPV6}::${(number * 2 + 1).toString(16)}`
  await runIp([
    `netns add ${name}`,
    `link add ${name} type veth peer name eth0 netns ${name}`,
    `link set dev ${name} addrgenmode none`,
    `addr add ${machine}/32 dev ${name}`,
    ...(hasIpv6 ? [`addr add ${machine6}/128 dev ${name} nodad`] : []),
    `link set dev ${name} up`,
    `route add ${address}/32 dev ${name}`,
    ...(hasIpv6 ? [`route add ${address6}/128 dev ${name}`] : []),
  ])
  await runIp(
    [
      'link set dev lo up',
      'link set dev eth0 addrgenmode none',
      `addr add ${address}/32 dev eth0`,
      ...(hasIpv6 ? [`addr add ${address6}/128 dev eth0 nodad`] : []),
      'link set dev eth0 up',
      `route add ${machine}/32 dev eth0`,
      ...(hasIpv6 ? [`route add ${machine6}/128 dev eth0`] : []),
    ],
    { namespace: name },
  )
  await writeSetting(`ipv4/conf/${name}/forwarding`, '1')
  if (hasIpv6) await writeSetting(`ipv6/conf/${name}/force_forwarding`, '1').catch(() => {})
  return {
    place: { enter: enterBy(name), address },
    addresses: [address, ...(hasIpv6 ? [address6] : [])],
    [Symbol.asyncDispose]: () => removeNamespaces([name]),
  }
}
