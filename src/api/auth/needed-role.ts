import { ROUTES, type Route, urlOf } from '../../contract/rest/endpoints/routes.ts'
import type { Role } from '../../core/access/role.ts'

const byUrl = new Map(
  Object.values<Route>(ROUTES).map((route) => [keyOf(route.method, urlOf(route)), route]),
)
/** Those with parameters, of which a word alone is taken: no path within a path. */
const byPattern = Object.values<Route>(ROUTES)
  .filter(({ path }) => path.includes(':'))
  .map((route) => ({ ...route, pattern: patternOf(urlOf(route)) }))

/**
 * The role that a request needs, by its method and its path: as it was written, or as the route was
 * registered. What is in no table and changes something needs all rights, so a path that is written in
 * another way is refused rather than let through; a web server that only forwards can decide likewise.
 */
export function neededRole(method: string, path: string): Role {
  const asked = method === 'HEAD' ? 'GET' : method
  const found =
    byUrl.get(keyOf(asked, path)) ??
    byPattern.find((route) => route.method === asked && route.pattern.test(path))
  if (found && found.role !== 'open') return found.role
  return asked === 'GET' ? 'viewer' : 'admin'
}

function keyOf(method: string, url: string): string {
  return `${method} ${url}`
}

function patternOf(url: string): RegExp {
  return new RegExp(`^${url.replaceAll('.', String.raw`\.`).replaceAll(/:\w+/g, String.raw`\w+`)}$`)
}
