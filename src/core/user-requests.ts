import type { Nearness } from '../lib/reach.ts'

/** How far the requests reach that Narwhal makes because somebody has asked for them. */
export const USER_REQUESTS = ['usual', 'public', 'private'] as const
export type UserRequests = (typeof USER_REQUESTS)[number]

/**
 * Whether a repository may be cloned, and its forge be told, there. Only administrators say where, who can
 * register a folder of the machine as well, and most forges of one's own are on a private network.
 */
export function mayBeForge(reach: UserRequests): (nearness: Nearness) => boolean {
  return (nearness) => nearness === 'public' || (nearness !== 'never' && reach !== 'public')
}

/** Whether a test delivery may go there, which is signed with a secret and tells what came back. */
export function mayBeTried(reach: UserRequests): (nearness: Nearness) => boolean {
  return (nearness) => nearness === 'public' || (nearness !== 'never' && reach === 'private')
}
