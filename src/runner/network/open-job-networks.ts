import { describeError } from '../../lib/errors.ts'
import { isProgram } from './commands.ts'
import type { JobNetworks } from './job-networks.ts'
import type { NetworkOptions } from './options.ts'
import { RoutedNetwork } from './routed/routed-network.ts'
import { MachineNetworks, NoNetworks } from './unrouted-networks.ts'
import { UserNetworks } from './user/user-networks.ts'

/** The best network for jobs that this machine and user allow; never rejects. */
export async function openJobNetworks(options: NetworkOptions): Promise<JobNetworks> {
  const { settings, instance } = options
  if (settings.mode === 'host') return new MachineNetworks(instance)
  if (settings.mode === 'none') {
    const why = 'the runner was started with --sandbox-network none'
    return new NoNetworks('wanted', why, instance)
  }
  const isRoot = process.getuid?.() === 0
  return isRoot ? openAsRoot(options) : openAsUser(options)
}

async function openAsRoot(options: NetworkOptions): Promise<JobNetworks> {
  const [nft, ip, nsenter] = await Promise.all(['nft', 'ip', 'nsenter'].map(isProgram))
  if (!nft || !ip || !nsenter) {
    return new NoNetworks(
      'missing',
      'the runner needs nft, ip and nsenter for it: apt-get install nftables iproute2 util-linux',
      options.instance,
    )
  }
  try {
    return await RoutedNetwork.open(options)
  } catch (error) {
    return new NoNetworks(
      'refused',
      `the runner can't create one (${describeError(error)}): it needs to be root on the machine itself with CAP_NET_ADMIN and CAP_SYS_ADMIN, and Linux 5.9 or newer with nf_tables, veth and bridge`,
      options.instance,
    )
  }
}

async function openAsUser(options: NetworkOptions): Promise<JobNetworks> {
  const troubles: string[] = []
  for (const program of ['pasta', 'slirp4netns'] as const) {
    if (!(await isProgram(program))) continue
    try {
      return await UserNetworks.open(program, options)
    } catch (error) {
      troubles.push(describeError(error))
    }
  }
  return new NoNetworks(
    troubles.length > 0 ? 'refused' : 'missing',
    troubles.length > 0
      ? `the runner can't create one (${troubles.join('; ')}): it needs user namespaces, /dev/net/tun for everybody (chmod 666 /dev/net/tun), and a route to the outside`
      : 'the runner is not root, and needs pasta or slirp4netns for it: apt-get install passt',
    options.instance,
  )
}
