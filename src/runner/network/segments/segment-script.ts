import { ipBatch, NAMESPACE_BASICS } from '../inside.ts'
import { nft, PORT_MAPS, TABLE } from './local-forwards.ts'

/** The bridge, in the namespace of the job. */
export const BRIDGE = 'services'

export interface SegmentPlan {
  /** Of the segment; the job has the first address, the services those that follow. */
  readonly address: string
  readonly prefixLength: number
  readonly mtu: number
  /** Whether the job has a way out, which services share. */
  readonly hasOutside: boolean
  readonly services: readonly { readonly namespace: string; readonly address: string }[]
  /** What the job's `localhost` leads to, as commands of nft. */
  readonly forwards: readonly string[]
}

/**
 * The lines of a shell in the namespace of a job that connect its services: a bridge there, on which each has
 * a namespace of its own (`ip netns`). Out of it they go through the job's namespace, under its address, so
 * that the rules for the job hold for them, and no other firewall of the machine sees what they say to each
 * other. It contains nothing that a user has written.
 */
export function segmentScript(plan: SegmentPlan): readonly string[] {
  const { address, prefixLength, mtu, services } = plan
  const isRouted = plan.hasOutside
  return [
    ipBatch([
      `link add ${BRIDGE} mtu ${mtu} type bridge mcast_snooping 0`,
      `link set dev ${BRIDGE} addrgenmode none`,
      `addr add ${address}/${prefixLength} dev ${BRIDGE}`,
      `link set dev ${BRIDGE} up`,
      ...services.flatMap(({ namespace }, index) => [
        `netns add ${namespace}`,
        `link add port${index} mtu ${mtu} type veth peer name eth0 netns ${namespace}`,
        `link set dev port${index} addrgenmode none`,
        `link set dev port${index} master ${BRIDGE}`,
        `link set dev port${index} up`,
      ]),
    ]),
    nft([RULES, ...plan.forwards]),
    `echo 1 >/proc/sys/net/ipv4/conf/${BRIDGE}/route_localnet`,
    ...(isRouted ? ['echo 1 >/proc/sys/net/ipv4/ip_forward'] : []),
    ...services.map((service) => {
      const inside = [
        ...NAMESPACE_BASICS,
        ipBatch([
          'link set dev lo up',
          `link set dev eth0 mtu ${mtu} addrgenmode none`,
          `addr add ${service.address}/${prefixLength} dev eth0`,
          'link set dev eth0 up',
          ...(isRouted ? [`route add default via ${address} dev eth0`] : []),
        ]),
      ]
      return `nsenter --net=/run/netns/${service.namespace} sh -e <<'INSIDE'\n${inside.join('\n')}\nINSIDE`
    }),
  ]
}

/**
 * Connections to 127.0.0.1 at a forwarded port leave by the bridge, under the job's address. Nothing else comes
 * in for the job's loopback: its own servers there are closed to services.
 */
const RULES = `table ${TABLE} {
  map ${PORT_MAPS.tcp} {
    type inet_service : ipv4_addr
  }
  map ${PORT_MAPS.udp} {
    type inet_service : ipv4_addr
  }
  chain prerouting {
    type filter hook prerouting priority -300; policy accept;
    iifname != "lo" ip daddr 127.0.0.0/8 drop
  }
  chain output {
    type nat hook output priority -100; policy accept;
    oif "lo" ip daddr 127.0.0.1 dnat ip to tcp dport map @${PORT_MAPS.tcp}
    oif "lo" ip daddr 127.0.0.1 dnat ip to udp dport map @${PORT_MAPS.udp}
  }
  chain forward {
    type filter hook forward priority 0; policy accept;
    iifname != "${BRIDGE}" oifname "${BRIDGE}" ct state != { established, related } drop
  }
  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    oifname "${BRIDGE}" ip saddr 127.0.0.0/8 masquerade
    iifname "${BRIDGE}" oifname != "${BRIDGE}" masquerade
  }
}`
