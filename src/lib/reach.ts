import { lookup } from 'node:dns/promises'
import { networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'
import { NarwhalError } from './errors.ts'

/**
 * What an address is to this machine: `own`, loopback too; of a `private` network; or `never` to be asked:
 * link-local (clouds tell secrets there), multicast, and what is no machine's.
 */
export type Nearness = 'public' | 'private' | 'own' | 'never'

/** An address to connect to, found out once: asking again might bring another one. */
export interface Pinned {
  readonly address: string
  readonly family: 4 | 6
}

const PRIVATE: ReadonlySet<string> = new Set(['private', 'carrierGradeNat', 'uniqueLocal'])
/** IPv4 in another form: behind ::ffff:, or behind the prefix of NAT64. */
const WRAPPED: ReadonlySet<string> = new Set(['ipv4Mapped', 'rfc6052'])

/** What an IP address is, in any of its forms. */
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
  if (range === 'loopback') return 'own'
  if (range !== 'unicast' && !PRIVATE.has(range)) return 'never'
  if (isOwn(address.toNormalizedString())) return 'own'
  return range === 'unicast' ? 'public' : 'private'
}

/** Whether an interface of this machine has the address. */
function isOwn(normalized: string): boolean {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.some(({ address }) => {
    const plain = address.replace(/%.*$/, '')
    return ipaddr.isValid(plain) && ipaddr.parse(plain).toNormalizedString() === normalized
  })
}

/**
 * The address of a host, looked up once. Rejects with `forbidden`, in the same words whatever is there,
 * where one of its addresses is none that may be asked; resolves to undefined where there is no such name.
 */
export async function pinHost(
  hostname: string,
  isAllowed: (nearness: Nearness) => boolean,
): Promise<Pinned | undefined> {
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const found = await lookup(host, { all: true }).catch(() => [])
  const [first] = found
  if (!first) return undefined
  if (!found.every(({ address }) => isAllowed(nearnessOf(address)))) {
    const words = `${hostname} is at an address that is not asked for users (see --user-requests)`
    throw new NarwhalError('forbidden', words)
  }
  return { address: first.address, family: first.family === 6 ? 6 : 4 }
}
