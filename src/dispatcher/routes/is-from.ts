import { BlockList, isIPv6 } from 'node:net'
import { plainAddress } from '../../lib/reach/own-token-proof.ts'

/** Whether an address is in one of the ranges, such as 10.1.0.0/16; an IPv4 address as such in whatever form. */
export function isFrom(given: string, ranges: readonly string[]): boolean {
  const list = new BlockList()
  for (const range of ranges) {
    const [network = '', bits] = range.split('/')
    list.addSubnet(network, Number(bits), isIPv6(network) ? 'ipv6' : 'ipv4')
  }
  const address = plainAddress(given)
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}
