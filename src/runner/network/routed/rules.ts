import { asIpv6, CLOSED, ofFamily, PRIVATE } from '../ranges.ts'

/** Whose jobs: strangers' may reach less. */
export type Audience = 'own' | 'strangers'

/** An address and a port that the operator has opened. */
export interface Hole {
  readonly address: string
  readonly port: number
}

/** An interface that forwards packets of a family for jobs only. */
export interface Guard {
  readonly family: 'ipv4' | 'ipv6'
  readonly interface: string
}

export interface RuleFacts {
  /** Distinguishes the runner from others on the machine. */
  readonly id: string
  /** The jobs' own addresses. */
  readonly jobRanges: readonly string[]
  /** The resolvers' addresses, by audience. */
  readonly resolvers: Readonly<Record<Audience, string>>
  /** Whether private ranges are closed to all jobs, not only to strangers'. */
  readonly denyPrivate: boolean
  /** Private in addition to the usual ranges: the machine's own segments, and what the operator names. */
  readonly alsoPrivate: readonly string[]
  readonly holes: readonly Hole[]
  /** The machine's own IPv4 addresses, which must not be reachable through NAT64 or the like. */
  readonly ownAddresses: readonly string[]
  readonly guards: readonly Guard[]
}

/** Prefix of the interfaces of a runner's jobs; the audience follows: see `jobInterface`. */
export function prefixOf(id: string): string {
  return `nw${id}`
}

/** The kernel's limit for names is 15 characters. */
export function jobInterface(id: string, audience: Audience, rest: string): string {
  return `${prefixOf(id)}${audience === 'own' ? 'o' : 's'}${rest}`
}

export function tableOf(id: string): string {
  return `narwhal_${id}`
}

/**
 * The table of a runner, as text for `nft -f`; it replaces a previous one atomically.
 *
 * A job's packets are judged before anything changes their destination (a port that Docker publishes on the
 * machine's address would then be a container's), and by the interface they arrived on, which a job can't
 * choose. Packets that are not rejected here are accepted by this table only: other tables may still drop
 * them, and none can open what is closed here.
 */
export function ruleText(facts: RuleFacts): string {
  const { id, resolvers, guards } = facts
  const jobs = `"${prefixOf(id)}*"`
  const table = `table inet ${tableOf(id)}`
  return `${table}
delete ${table}
${table} {
${sets(facts)}
  chain prerouting {
    type filter hook prerouting priority -150; policy accept;
    iifname "${jobInterface(id, 'own', '*')}" goto own
    iifname "${jobInterface(id, 'strangers', '*')}" goto strangers
  }
  chain own {
    ip daddr ${resolvers.own} meta l4proto { tcp, udp } th dport 53 accept
    jump machine
${facts.denyPrivate ? '    goto private' : ''}
  }
  chain strangers {
    ip daddr ${resolvers.strangers} meta l4proto { tcp, udp } th dport 53 accept
    jump machine
    goto private
  }
  chain machine {
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
    ip daddr @closed4 goto refused
    ip6 daddr @closed6 goto refused
    fib saddr . iif oif missing drop
    fib daddr type { local, broadcast, anycast, multicast, blackhole, unreachable, prohibit } goto refused
    fib daddr . iif oif exists accept
    ip daddr @jobs4 goto refused
    ip6 daddr @jobs6 goto refused
  }
  chain private {
    ip daddr . th dport @holes4 accept
    ip6 daddr . th dport @holes6 accept
    ip daddr @private4 goto refused
    ip6 daddr @private6 goto refused
  }
  chain refused {
    meta l4proto tcp reject with tcp reset
    reject with icmpx admin-prohibited
  }
  chain forwarding {
    type filter hook forward priority -10; policy accept;
    iifname != ${jobs} oifname ${jobs} ct state != { established, related } drop
    iifname ${jobs} tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu
    oifname ${jobs} tcp flags & (syn | rst) == syn tcp option maxseg size set rt mtu
${guards.map(guardRule).join('\n')}
  }
  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    ip saddr @jobs4 oifname != ${jobs} masquerade
    ip6 saddr @jobs6 oifname != ${jobs} masquerade
  }
}
`
}

function guardRule({ family, interface: name }: Guard): string {
  return `    meta nfproto ${family} iifname "${name}" oifname != "nw*" drop`
}

function sets({ jobRanges, alsoPrivate, holes, ownAddresses }: RuleFacts): string {
  const isPrivate = [...PRIVATE, ...alsoPrivate]
  const isClosed = [...CLOSED, ...ownAddresses.flatMap(asIpv6)]
  const both = [
    ['jobs', jobRanges],
    ['closed', isClosed],
    ['private', isPrivate],
  ] as const
  const ranges = both.flatMap(([name, all]) => [
    rangeSet(`${name}4`, 'ipv4_addr', ofFamily(all, 'ipv4')),
    rangeSet(`${name}6`, 'ipv6_addr', ofFamily(all, 'ipv6')),
  ])
  const hole = (colon: boolean) =>
    holes
      .filter(({ address }) => address.includes(':') === colon)
      .map(({ address, port }) => `${address} . ${port}`)
  return [
    ...ranges,
    set('holes4', 'ipv4_addr . inet_service', '', hole(false)),
    set('holes6', 'ipv6_addr . inet_service', '', hole(true)),
  ].join('\n')
}

function rangeSet(name: string, type: string, ranges: readonly string[]): string {
  return set(name, type, '    flags interval\n    auto-merge\n', ranges)
}

function set(name: string, type: string, flags: string, elements: readonly string[]): string {
  const unique = [...new Set(elements)]
  const list = unique.length > 0 ? `    elements = { ${unique.join(', ')} }\n` : ''
  return `  set ${name} {\n    type ${type}\n${flags}${list}  }`
}
