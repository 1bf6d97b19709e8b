/** What a user may do, each with all that stands before it: look; run, rerun and cancel; everything. */
export const ROLES = ['viewer', 'member', 'admin'] as const
export type Role = (typeof ROLES)[number]

/** Whether one with this role may do what takes the other. */
export function isEnough(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed)
}
