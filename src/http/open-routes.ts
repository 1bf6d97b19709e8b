import { ROUTES, type Route, urlOf } from '../contract/rest/endpoints/routes.ts'
import type { Opening } from '../core/access/opening.ts'

/** A route that asks for no credential. */
export interface OpenRoute {
  readonly method: Route['method']
  /** As the route was registered, with `*` for anything at its ends. */
  readonly url: string
  readonly why: string
  /** Open only where the operator says so. */
  readonly unless?: Opening
}

/** The paths that the app in the browser answers; it signs people in. */
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
 * All that answers without a credential, of whatever process and on whatever address. Everything else
 * asks for one, on loopback too: a job is on the machine as well. `guardServer` reads this, and so do
 * the tests that go over all routes; the manual's page "Access" has the same list.
 */
export const OPEN_ROUTES: readonly OpenRoute[] = [
  { method: 'GET', url: '/healthz', why: 'whether the process lives' },
  { method: 'GET', url: '/readyz', why: 'whether the process can work' },
  { method: 'GET', url: '/metrics', why: 'figures of the process', unless: 'metrics' },
  { method: 'POST', url: '/webhooks/*', why: 'signed by the forge' },
  // The issuer's address may have a path of its own before it.
  { method: 'GET', url: '*/.well-known/*', why: 'OpenID discovery and public keys' },
  ...Object.values<Route>(ROUTES)
    .filter(({ role }) => role === 'open')
    .map((route) => ({
      method: route.method,
      url: urlOf(route),
      why: 'carries a credential of its own, or harms nobody',
    })),
  ...PAGE_PATHS.map((url) => ({ method: 'GET' as const, url, why: 'the page, without any data' })),
  { method: 'GET', url: '/assets/*', why: 'scripts and styles of the page' },
  { method: 'GET', url: '/favicon.svg', why: 'the picture of the page' },
]

/** Whether a route asks for no credential where these are opened; one that does not exist always does. */
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
