import { Hosts, type HostsOptions } from '../../src/lib/reach/hosts.ts'

/** A test's resolver, which knows every name, with changing answers. */
export interface ChangingHosts {
  readonly hosts: Hosts
  readonly asked: string[]
}

/** Answers with these addresses in turn, and with the last one from then on. */
export function changingHosts(
  addresses: readonly string[],
  options: Pick<HostsOptions, 'isAllowed'> = {},
): ChangingHosts {
  const asked: string[] = []
  const lookUp = async (hostname: string) => {
    const address = addresses[Math.min(asked.length, addresses.length - 1)] ?? ''
    asked.push(hostname)
    return [{ address, family: address.includes(':') ? 6 : 4 }]
  }
  return { hosts: new Hosts({ ...options, lookUp }), asked }
}
