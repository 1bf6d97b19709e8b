import { networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'
import { CLOUD_METADATA } from './cloud-metadata.ts'

/**
 * How near an address is to this machine: `own`, including loopback; on a `private` network; or `never` to be
 * reached: link-local and the like, where clouds serve credentials, multicast, and reserved addresses.
 */
export type Nearness = 'public' | 'private' | 'own' | 'never'

const PRIVATE: ReadonlySet<string> = new Set(['private', 'carrierGradeNat', 'uniqueLocal'])
/** IPv4 in another notation: ::ffff: or the NAT64 prefix. */
const WRAPPED: ReadonlySet<string> = new Set(['ipv4Mapped', 'rfc6052'])

/** Classifies an IP address in any notation. */
export function nearnessOf(text: string): Nearness {
  if (!ipaddr.isValid(text)) return 'never'
  const address = ipaddr.parse(text.replace(/%.*$/, ''))
  const range: string = address.range()
  if (address instanceof ipaddr.IPv6) {
    if (WRAPPED.has(range)) {
      const [a = 0, b = 0, c = 0, d = 0] = address.toByteArray().slice(12)
      return nearnessOf(`${a}.${b}.${c}.${d}`)
    }
    // Global addresses are in 2000::/3; 6to4, Teredo and others have ranges of their own.
    const isGlobal = (address.toByteArray()[0] ?? 0) >> 5 === 1
    if (range === 'unicast' && !isGlobal) return 'never'
  }
  if (CLOUD_METADATA.some((one) => isInRange(text, one))) return 'never'
  if (range === 'loopback') return 'own'
  if (range !== 'unicast' && !PRIVATE.has(range)) return 'never'
  if (isOwn(address.toNormalizedString())) return 'own'
  return range === 'unicast' ? 'public' : 'private'
}

/** Whether an address, in any notation, is in a range such as `10.0.0.0/8`. */
export function isInRange(text: string, range: string): boolean {
  if (!ipaddr.isValid(text) || !ipaddr.isValidCIDR(range)) return false
  const address = ipaddr.process(text.replace(/%.*$/, ''))
  const [network, bits] = ipaddr.parseCIDR(range)
  return address.kind() === network.kind() && address.match(network, bits)
}

/** Whether an interface of this machine has the address. */
function isOwn(normalized: string): boolean {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.some(({ address }) => {
    const plain = address.replace(/%.*$/, '')
    return ipaddr.isValid(plain) && ipaddr.parse(plain).toNormalizedString() === normalized
  })
}
