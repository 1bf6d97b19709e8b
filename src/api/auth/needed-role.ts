import { ROUTES, type Route, urlOf } from '../../contract/rest/endpoints/routes.ts'
import type { Role } from '../../core/access/role.ts'

const byUrl = new Map(
  Object.values<Route>(ROUTES).map((route) => [`${route.method} ${urlOf(route)}`, route]),
)
/** Routes with parameters, each of which matches one path segment. */
const byPattern = Object.values<Route>(ROUTES)
  .filter(({ path }) => path.includes(':'))
  .map((route) => ({ ...route, pattern: patternOf(urlOf(route)) }))

/** The API route that was registered with exactly this URL. */
export function routeAt(method: string, url: string): Route | undefined {
  return byUrl.get(`${asked(method)} ${url}`)
}

/**
 * The role that a request needs, by its method and its path, as written or as registered. Unknown paths
 * that change something need an administrator, so a path in an unusual spelling is rejected rather than
 * let through. A web server that only forwards decides the same way.
 */
export function neededRole(method: string, path: string): Role {
  const verb = asked(method)
  const found =
    routeAt(verb, path) ??
    byPattern.find((route) => route.method === verb && route.pattern.test(path))
  if (found && found.role !== 'open') return found.role
  return verb === 'GET' ? 'viewer' : 'admin'
}

/** HEAD needs the same as GET. */
function asked(method: string): string {
  return method === 'HEAD' ? 'GET' : method
}

function patternOf(url: string): RegExp {
  return new RegExp(`^${url.replaceAll('.', String.raw`\.`).replaceAll(/:\w+/g, String.raw`\w+`)}$`)
}
