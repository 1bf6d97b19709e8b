import type { Reach } from './holes.ts'
import type { NetworkSettings } from './options.ts'
import type { Audience } from './routed/rules.ts'

/** For the job's log, if private networks are closed to it: explains refused connections. */
export function closedNotes(
  { privateNetworks, reach }: Pick<NetworkSettings, 'privateNetworks' | 'reach'>,
  audience: Audience,
): string[] {
  if (audience === 'own' && privateNetworks === 'allow') return []
  const why =
    audience === 'strangers'
      ? "because it is a stranger's"
      : "because of the runner's --private-networks deny"
  const open =
    reach.length === 0
      ? "the runner's operator can allow single hosts with --reach"
      : `allowed: ${holeNames(reach).join(', ')} (--reach of the runner)`
  return [`connections to private networks are refused to this job, ${why}; ${open}`]
}

/** In the syntax of `--reach`. */
export function holeNames(reach: readonly Reach[]): string[] {
  return reach.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
}
