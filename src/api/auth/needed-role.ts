import type { Role } from '../../core/access/role.ts'

const RUNS =
  /^\/api\/v1\/(?:pipelines|approvals|pipelines\/\w+\/(?:rerun|rerun-failed|cancel|approve))$/
const JOBS = /^\/api\/v1\/jobs\/\w+\/(?:rerun|cancel)$/
/** The route itself looks once more: its path may be written otherwise. */
const AUDIT = /^\/api\/v1\/audit(?:\/|$)/
/** The route itself looks whose token it is. */
const OWN_TOKENS = /^\/api\/v1\/(?:tokens(?:\/\w+)?|session\/links)$/

/**
 * The role that a request needs, by its method and its path as it was written. What is not named
 * here and changes something needs all rights, so a path that is written in another way is
 * refused rather than let through; a web server that only forwards can decide likewise.
 */
export function neededRole(method: string, path: string): Role {
  if (method === 'GET' || method === 'HEAD') return AUDIT.test(path) ? 'admin' : 'viewer'
  if (OWN_TOKENS.test(path)) return 'viewer'
  return method === 'POST' && (RUNS.test(path) || JOBS.test(path)) ? 'member' : 'admin'
}
