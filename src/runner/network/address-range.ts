import { NarwhalError } from '../../lib/errors.ts'
import { ofFamily, type Span, spanOf, toAddress, toNumber } from './ranges.ts'

/** The addresses of a runner's jobs: one range, divided among their namespaces and networks. */
export interface AddressPlan {
  readonly range: string
  readonly ownResolver: string
  readonly strangersResolver: string
  /** How many addresses there are for namespaces. */
  readonly hosts: number
  /** The address of a namespace, from 0. */
  host(index: number): string
  /** How many networks there may be for jobs in containers. */
  readonly networks: number
  /** One of them, from 0; the gateway is its first address. */
  network(index: number): { readonly subnet: string; readonly gateway: string }
}

/** A part of 10/8 that is rarely used; the search starts at a place that depends on the runner. */
const FROM = toNumber('10.64.0.0')
const TO = toNumber('10.128.0.0')
const MOST_TRIES = 512
/** Addresses for one job: its containers and their services. */
const NETWORK_SIZE = 64
const RESERVED = 4
/** A proof takes one for each audience, in addition to those of jobs. */
const PROOF_NETWORKS = 2
/** Networks kept for jobs that find no container ready: creating one takes a while. */
export const IDLE_NETWORKS = 2

/**
 * Finds a range that overlaps with nothing in `taken` (IPv4 ranges; others are ignored). `seed` chooses where
 * to start. There are networks for all slots, those of their last jobs that are still being removed, and all
 * warm sandboxes. Throws `unavailable` when no range is free.
 */
export function planAddresses(options: {
  readonly slots: number
  readonly warmSandboxes: number
  readonly seed: number
  readonly taken: readonly string[]
}): AddressPlan {
  const { slots, warmSandboxes, seed, taken } = options
  const jobNetworks = slots * 2 + warmSandboxes + IDLE_NETWORKS
  const networks = powerOfTwo(Math.max(8, jobNetworks) + PROOF_NETWORKS)
  const hosts = powerOfTwo(Math.max(64, slots * 8))
  const size = powerOfTwo(hosts + networks * NETWORK_SIZE)
  const spans = ofFamily(taken, 'ipv4').map(spanOf)
  const places = (TO - FROM) / size
  for (let count = 0; count < Math.min(places, MOST_TRIES); count++) {
    const first = FROM + ((seed + count * 7) % places) * size
    const wanted = { first, last: first + size - 1 }
    if (spans.some((span) => meet(span, wanted))) continue
    return planOf(first, size, { hosts, networks })
  }
  const words = `no range of ${size} addresses in 10.64.0.0/10 is free for the networks of jobs`
  throw new NarwhalError('unavailable', words)
}

/** Those of the IPv4 ranges that have addresses in common with `range`; others are ignored. */
export function overlapping(ranges: readonly string[], range: string): readonly string[] {
  const wanted = spanOf(range)
  return ofFamily(ranges, 'ipv4').filter((one) => meet(spanOf(one), wanted))
}

function meet(one: Span, other: Span): boolean {
  return one.first <= other.last && one.last >= other.first
}

function planOf(
  first: number,
  size: number,
  { hosts, networks }: Pick<AddressPlan, 'hosts' | 'networks'>,
): AddressPlan {
  return {
    range: `${toAddress(first)}/${32 - Math.log2(size)}`,
    ownResolver: toAddress(first + 1),
    strangersResolver: toAddress(first + 2),
    hosts: hosts - RESERVED,
    host: (index) => toAddress(first + RESERVED + index),
    networks,
    network: (index) => {
      const from = first + hosts + index * NETWORK_SIZE
      const length = 32 - Math.log2(NETWORK_SIZE)
      return { subnet: `${toAddress(from)}/${length}`, gateway: toAddress(from + 1) }
    },
  }
}

function powerOfTwo(least: number): number {
  return 2 ** Math.ceil(Math.log2(least))
}
