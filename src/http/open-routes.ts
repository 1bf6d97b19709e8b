import { ROUTES, type Route, urlOf } from '../contract/rest/endpoints/routes.ts'
import type { Opening } from '../core/access/opening.ts'

/** A route that needs no credential. */
export interface OpenRoute {
  readonly method: Route['method']
  /** As the route was registered, with `*` for anything at its ends. */
  readonly url: string
  readonly why: string
  /** Open only if the operator has configured it. */
  readonly unless?: Opening
}

/** The paths of the web page, which shows the sign-in itself. */
export const PAGE_PATHS = [
  '/',
  '/sign-in',
  '/pipelines/:pipeline',
  '/runners',
  '/queue',
  '/approvals',
  '/repositories',
  '/repositories/*',
  '/settings',
  '/audit',
]

/**
 * All routes that need no credential, of any process and on any address. Everything else needs one, on
 * loopback too: jobs run on the same machine. Read by `guardServer` and by tests that go over all
 * routes; the manual's page "Access" has the same list.
 */
export const OPEN_ROUTES: readonly OpenRoute[] = [
  { method: 'GET', url: '/healthz', why: 'whether the process lives' },
  { method: 'GET', url: '/readyz', why: 'whether the process can work' },
  { method: 'GET', url: '/metrics', why: 'figures of the process', unless: 'metrics' },
  { method: 'POST', url: '/webhooks/*', why: 'signed by the forge' },
  // The issuer's URL may have a path of its own.
  { method: 'GET', url: '*/.well-known/*', why: 'OpenID discovery and public keys' },
  ...Object.values<Route>(ROUTES)
    .filter(({ role }) => role === 'open')
    .map((route) => ({
      method: route.method,
      url: urlOf(route),
      why: 'carries a credential of its own, or is harmless',
    })),
  ...PAGE_PATHS.map((url) => ({ method: 'GET' as const, url, why: 'the page, without any data' })),
  { method: 'GET', url: '/assets/*', why: 'scripts and styles of the page' },
  { method: 'GET', url: '/favicon.svg', why: 'the picture of the page' },
]

/** Whether a route needs no credential, given what the operator has opened. Unknown routes need one. */
export function isOpenRoute(
  method: string,
  url: string | undefined,
  opened: ReadonlySet<Opening>,
): boolean {
  if (url === undefined) return false
  const asked = method === 'HEAD' ? 'GET' : method
  return OPEN_ROUTES.some((route) => {
    if (route.method !== asked || (route.unless && !opened.has(route.unless))) return false
    return isLike(url, route.url)
  })
}

function isLike(url: string, pattern: string): boolean {
  const words = pattern.replace(/^\*|\*$/g, '')
  if (pattern.startsWith('*')) return url.includes(words)
  return pattern.endsWith('*') ? url === pattern || url.startsWith(words) : url === pattern
}
