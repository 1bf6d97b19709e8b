import type { UserHolder } from '../user/holder.ts'
import type { SegmentGround } from './open-segment.ts'

/** The network of a job of an ordinary user, in which the services have theirs. */
export function userGround(
  { pid, ids }: Pick<UserHolder, 'pid' | 'ids'>,
  resolvConf: string,
): SegmentGround {
  const at = `/proc/${pid}`
  // With a single id the kernel forbids to change groups.
  const keep = ids === 'one' ? ['--preserve-credentials'] : []
  const place = (netns: string) => ({
    netns,
    enter: ['nsenter', `--user=${at}/ns/user`, `--net=${netns}`, ...keep, '--'],
  })
  return {
    ...place(`${at}/ns/net`),
    resolvConf,
    administer: ['nsenter', `--target=${pid}`, '--user', '--net', '--mount', ...keep, '--'],
    // The holder has a mount namespace of its own.
    named: (name) => place(`${at}/root/run/netns/${name}`),
  }
}
