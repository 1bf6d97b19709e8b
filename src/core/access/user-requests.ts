import type { Nearness } from '../../lib/reach/reach.ts'

/** How far the requests reach that Narwhal makes because somebody has asked for them. */
export const REQUESTS_REACH = ['usual', 'public', 'private'] as const
export type RequestsReach = (typeof REQUESTS_REACH)[number]

/** What the operator says of them. */
export interface UserRequests {
  readonly reach: RequestsReach
  /** Names and ranges that may be asked all the same. */
  readonly named: readonly string[]
}

/**
 * Whether a repository may be cloned, and its forge be told, there. Only administrators say where, who can
 * register a folder of the machine as well, and most forges of one's own are on a private network.
 */
export function mayBeForge(reach: RequestsReach): (nearness: Nearness) => boolean {
  return (nearness) => nearness === 'public' || (nearness !== 'never' && reach !== 'public')
}

/** Whether a test delivery may go there, which is signed with a secret and tells what came back. */
export function mayBeTried(reach: RequestsReach): (nearness: Nearness) => boolean {
  return (nearness) => nearness === 'public' || (nearness !== 'never' && reach === 'private')
}
