import type { Nearness } from '../../lib/reach/reach.ts'

/** Which addresses Narwhal may contact on a user's behalf. */
export const REQUESTS_REACH = ['usual', 'public', 'private'] as const
export type RequestsReach = (typeof REQUESTS_REACH)[number]

export interface UserRequests {
  readonly reach: RequestsReach
  /** Host names and ranges that are allowed regardless of `reach`. */
  readonly named: readonly string[]
}

/**
 * Whether a repository may be cloned from there, and commit statuses sent there. Private networks are allowed
 * by default: only administrators set the URL, who can register a local folder as well, and most self-hosted
 * forges are on a private network.
 */
export function mayBeForge(reach: RequestsReach): (nearness: Nearness) => boolean {
  return (nearness) => nearness === 'public' || (nearness !== 'never' && reach !== 'public')
}

/** Whether a test delivery may go there; it is signed with a secret and shows the response. */
export function mayBeTried(reach: RequestsReach): (nearness: Nearness) => boolean {
  return (nearness) => nearness === 'public' || (nearness !== 'never' && reach === 'private')
}
