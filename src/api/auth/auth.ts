import type { FastifyRequest } from 'fastify'
import { ROUTES, RUNNER_ROUTES, urlOf } from '../../contract/rest/endpoints/routes.ts'
import type { Opening } from '../../core/access/opening.ts'
import { isEnough, type Role } from '../../core/access/role.ts'
import { bearerToken, guardServer } from '../../http/guard.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Asker } from '../../store/records.ts'
import type { Store, Uses } from '../../store/store.ts'
import { Credentials } from './credentials.ts'
import { Forwarders } from './forwarders.ts'
import { neededRole } from './needed-role.ts'
import { checkScope } from './scope.ts'
import { hashToken } from './tokens.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The authenticated user. Absent: a runner's identity, or the route needs no credential. */
    user?: Asker
    /** Throws once its credential no longer suffices: a WebSocket may outlive it. */
    checkAgain?: () => Promise<void>
  }
}

/** The routes that a runner's identity gives access to. */
const RUNNER_URLS = new Set(RUNNER_ROUTES.map((name) => urlOf(ROUTES[name])))

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

export interface AuthOptions {
  /**
   * Whether the server listens on loopback only. Then the Host header must be loopback too, to prevent
   * DNS rebinding.
   */
  readonly loopbackOnly: boolean
  /** What the operator has made public; nothing by default. */
  readonly opened?: ReadonlySet<Opening>
  /** Gives access to the metrics only. */
  readonly metricsToken?: string | undefined
}

/**
 * Guards all routes except `OPEN_ROUTES`. The caller needs a token (`Authorization: Bearer …`) or a
 * session cookie of a user with a sufficient role. A runner's identity gives access only to what it
 * needs to attach. Changes and WebSockets of browsers must come from a page of this server.
 */
export function guardApi(server: HttpServer, store: Store, options: AuthOptions): void {
  const forwarders = new Forwarders(store)
  server.addHook('onRequest', async (request) => {
    if (!isApi(request)) return
    const address = await forwarders.addressOf(request)
    if (address !== undefined) request.forwardedFor = address
    checkOrigin(request)
    if (options.loopbackOnly) checkHost(request)
  })
  const credentials = new Credentials(store)
  guardServer(server, {
    opened: options.opened ?? new Set(),
    metricsToken: options.metricsToken,
    admit: async (request) => {
      const who = await admit(request, { store, credentials })
      if (who) request.user = who
      request.checkAgain = async () => {
        const now = await admit(request, { store, credentials, isAgain: true })
        if (now?.role === who?.role) return
        throw new NarwhalError('forbidden', 'your role has changed: reconnect')
      }
    },
  })
  // In a later hook, since the scope may depend on the body.
  server.addHook('preHandler', async (request) => await checkScope(request, store))
}

/** Decides by the route that the router has chosen, as `guardServer` does. */
function isApi(request: FastifyRequest): boolean {
  return (request.routeOptions.url ?? request.url).startsWith('/api/')
}

function checkHost(request: FastifyRequest): void {
  const name = (request.headers.host ?? '').replace(/:\d+$/, '')
  if (!LOOPBACK.has(name)) {
    throw new NarwhalError(
      'forbidden',
      `this server is reachable on loopback only, not as ${JSON.stringify(name)}`,
    )
  }
}

/** Browsers send the Origin header; see RFC 6454, section 7. */
function checkOrigin(request: FastifyRequest): void {
  const { origin, host, upgrade } = request.headers
  if (origin === undefined || (request.method === 'GET' && upgrade === undefined)) return
  if (URL.canParse(origin) && new URL(origin).host === host) return
  throw new NarwhalError('forbidden', 'cross-origin requests are rejected')
}

interface Admission {
  readonly store: Uses<'runners'>
  readonly credentials: Credentials
  /** Whether it was admitted before: then a recently cached answer suffices. */
  readonly isAgain?: boolean
}

/** Throws unless the caller may use the route. Returns the user; undefined for a runner's identity. */
async function admit(
  request: FastifyRequest,
  { store, credentials, isAgain = false }: Admission,
): Promise<Asker | undefined> {
  const user = await (isAgain ? credentials.findAgain(request) : credentials.find(request))
  if (user) {
    checkRole(request, user)
    return user
  }
  const isForRunners = RUNNER_URLS.has(request.routeOptions.url ?? '')
  const token = bearerToken(request)
  if (isForRunners && token && (await store.runners.findByIdentity(hashToken(token))))
    return undefined
  throw new NarwhalError('unauthenticated', 'invalid token: it may have been removed')
}

/**
 * Checks both the path as written and the route chosen for it: a path can be written in many ways, and
 * where everything is forwarded the route is only `*`.
 */
function checkRole({ method, url, routeOptions }: FastifyRequest, { name, role }: Asker): void {
  const [path = ''] = url.split('?', 1)
  const { url: chosen = path } = routeOptions
  const needed = [path, chosen.endsWith('*') ? path : chosen]
    .map((one) => neededRole(method, one))
    .find((one) => !isEnough(role, one))
  if (needed === undefined) return
  const message = `"${name}" is ${withArticle(role)}, but this requires ${withArticle(needed)}`
  throw new NarwhalError('forbidden', `${message}: ask an administrator for that role`)
}

function withArticle(role: Role): string {
  return role === 'admin' ? 'an administrator' : `a ${role}`
}

/** The user, at a route that is not for runners. */
export function getUser({ user }: FastifyRequest): Asker {
  if (user) return user
  throw new NarwhalError('forbidden', 'only users may do this')
}
