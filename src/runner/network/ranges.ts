import { BlockList } from 'node:net'
import { CLOUD_METADATA } from '../../lib/reach/cloud-metadata.ts'

/** IPv4 and IPv6 addresses and ranges (`10.0.0.0/8`, `fe80::/10`), as strings. */

/**
 * Closed to every job: loopback, link-local addresses including cloud metadata, multicast, and reserved
 * addresses; also in their IPv6 notations (mapped, NAT64, 6to4).
 */
export const CLOSED: readonly string[] = [
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/96',
  '::ffff:0:0/96',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
  '64:ff9b::7f00:0/104',
  '64:ff9b::a9fe:0/112',
  '2002:7f00::/24',
  '2002:a9fe::/32',
  ...CLOUD_METADATA,
]

/** Private networks, and every IPv6 notation of IPv4 addresses. */
export const PRIVATE: readonly string[] = [
  '10.0.0.0/8',
  '100.64.0.0/10',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  'fc00::/7',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '2001::/32',
  '2002::/16',
]

export function familyOf(range: string): 'ipv4' | 'ipv6' {
  return range.includes(':') ? 'ipv6' : 'ipv4'
}

export function ofFamily(ranges: readonly string[], family: 'ipv4' | 'ipv6'): readonly string[] {
  return ranges.filter((range) => familyOf(range) === family)
}

/** A set of ranges for looking up addresses. */
export function rangeSet(ranges: readonly string[]): (address: string) => boolean {
  // One per family: Node also finds IPv4 addresses in `::ffff:0:0/96`.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }
  for (const range of ranges) {
    const [address = '', length] = range.split('/')
    const family = familyOf(range)
    lists[family].addSubnet(address, Number(length ?? (family === 'ipv4' ? 32 : 128)), family)
  }
  return (address) => lists[familyOf(address)].check(address, familyOf(address))
}

/** An IPv4 range by its first and last number. */
export interface Span {
  readonly first: number
  readonly last: number
}

export function spanOf(range: string): Span {
  const [address = '', length = '32'] = range.split('/')
  const size = 2 ** (32 - Number(length))
  const first = Math.floor(toNumber(address) / size) * size
  return { first, last: first + size - 1 }
}

export function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

export function toAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')
}

/** The IPv6 notations by which an IPv4 address may be reached: NAT64 and 6to4. */
export function asIpv6(address: string): readonly string[] {
  const digits = toNumber(address).toString(16).padStart(8, '0')
  const [high, low] = [digits.slice(0, 4), digits.slice(4)]
  return [`64:ff9b::${high}:${low}`, `2002:${high}:${low}::/48`]
}
