import { exists } from '../../../lib/exists.ts'

export interface NamedAddress {
  readonly address: string
  readonly name: string
}

/** Whether namespaces of this machine have `::1`. */
export function hasIpv6Loopback(): Promise<boolean> {
  return exists('/proc/sys/net/ipv6')
}

/**
 * The lines of /etc/hosts. `::1` is named only where it exists: servers would fail to bind it, and clients wait.
 * Other names have IPv4 addresses only.
 */
export function hostsLines(named: readonly NamedAddress[], hasIpv6: boolean): readonly string[] {
  return [
    '127.0.0.1\tlocalhost',
    ...(hasIpv6 ? ['::1\tlocalhost ip6-localhost ip6-loopback'] : []),
    ...named.map(({ address, name }) => `${address}\t${name}`),
  ]
}
