import { ROUTES, type Route, urlOf } from '../../contract/rest/endpoints/routes.ts'
import type { Role } from '../../core/access/role.ts'

const byUrl = new Map(
  Object.values<Route>(ROUTES).map((route) => [`${route.method} ${urlOf(route)}`, route]),
)
/** Those with parameters, of which a word alone is taken: no path within a path. */
const byPattern = Object.values<Route>(ROUTES)
  .filter(({ path }) => path.includes(':'))
  .map((route) => ({ ...route, pattern: patternOf(urlOf(route)) }))

/** The route of the API that was registered with exactly this url. */
export function routeAt(method: string, url: string): Route | undefined {
  return byUrl.get(`${asked(method)} ${url}`)
}

/**
 * The role that a request needs, by its method and its path: as it was written, or as the route was
 * registered. What is in no table and changes something needs all rights, so a path that is written in
 * another way is refused rather than let through; a web server that only forwards can decide likewise.
 */
export function neededRole(method: string, path: string): Role {
  const verb = asked(method)
  const found =
    routeAt(verb, path) ??
    byPattern.find((route) => route.method === verb && route.pattern.test(path))
  if (found && found.role !== 'open') return found.role
  return verb === 'GET' ? 'viewer' : 'admin'
}

/** HEAD asks for what GET does. */
function asked(method: string): string {
  return method === 'HEAD' ? 'GET' : method
}

function patternOf(url: string): RegExp {
  return new RegExp(`^${url.replaceAll('.', String.raw`\.`).replaceAll(/:\w+/g, String.raw`\w+`)}$`)
}
