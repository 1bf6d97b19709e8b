import type { Reach } from './holes.ts'
import type { NetworkSettings } from './options.ts'
import type { Audience } from './routed/rules.ts'

/** What a job's log says where private networks are closed to it: whose connection is refused must find out why. */
export function closedNotes(
  { privateNetworks, reach }: Pick<NetworkSettings, 'privateNetworks' | 'reach'>,
  audience: Audience,
): string[] {
  if (audience === 'own' && privateNetworks === 'allow') return []
  const why =
    audience === 'strangers'
      ? "since it is a stranger's"
      : 'as the runner’s --private-networks deny wants'
  const open =
    reach.length === 0
      ? 'the operator of the runner opens single places by --reach'
      : `open is ${holeNames(reach).join(', ')} (--reach of the runner)`
  return [`connections to private networks are refused to this job, ${why}; ${open}`]
}

/** As `--reach` has them. */
export function holeNames(reach: readonly Reach[]): string[] {
  return reach.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
}
