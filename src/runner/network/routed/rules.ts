import { asIpv6, CLOSED, ofFamily, PRIVATE } from '../ranges.ts'

/** Whose job it is: strangers' may reach less. */
export type Audience = 'own' | 'strangers'

/** An address and a port that the operator has opened. */
export interface Hole {
  readonly address: string
  readonly port: number
}

/** An interface that forwards packets of a family for the jobs' sake alone. */
export interface Guard {
  readonly family: 'ipv4' | 'ipv6'
  readonly interface: string
}

/** What the rules of one runner are made of. */
export interface RuleFacts {
  /** Tells the runner from all others of the machine: see names.ts. */
  readonly id: string
  /** What the jobs have as their own addresses. */
  readonly jobRanges: readonly string[]
  /** Where the resolver answers, by whose jobs may ask there. */
  readonly resolvers: Readonly<Record<Audience, string>>
  /** Whether private ranges are closed to all jobs, not only to strangers'. */
  readonly denyPrivate: boolean
  /** What is private besides the usual ranges: the machine's own segments, and what the operator names. */
  readonly alsoPrivate: readonly string[]
  readonly holes: readonly Hole[]
  /** The machine's own addresses of IPv4: whoever translates between the families must not lead there. */
  readonly ownAddresses: readonly string[]
  readonly guards: readonly Guard[]
}

/** Interfaces of a runner's jobs begin with this, and then say whose they are: see `jobInterface`. */
export function prefixOf(id: string): string {
  return `nw${id}`
}

/** The kernel's names have 15 characters at most. */
export function jobInterface(id: string, audience: Audience, rest: string): string {
  return `${prefixOf(id)}${audience === 'own' ? 'o' : 's'}${rest}`
}

export function tableOf(id: string): string {
  return `narwhal_${id}`
}

/**
 * The one table of a runner, as text for `nft -f`; it takes the place of a former one at once.
 *
 * What a job sends is judged before anybody changes its destination (a port that Docker publishes on
 * the machine's address would be a container's then), and by the interface it came in by, which a job
 * can't choose. What is not refused here is accepted by this table only: others of the machine may
 * still drop it, and none of them can open what is closed here.
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
