import type { FastifyRequest } from 'fastify'
import { ROUTES, RUNNER_ROUTES, urlOf } from '../../contract/rest/endpoints/routes.ts'
import type { Opening } from '../../core/access/opening.ts'
import { isEnough, type Role } from '../../core/access/role.ts'
import { bearerToken, guardServer } from '../../http/guard.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Asker } from '../../store/records.ts'
import type { Store } from '../../store/store.ts'
import { Credentials } from './credentials.ts'
import { Forwarders } from './forwarders.ts'
import { neededRole } from './needed-role.ts'
import { checkScope } from './scope.ts'
import { hashToken } from './tokens.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose credential it shows. Absent: a runner's identity, or the route asks for none. */
    user?: Asker
    /** Throws as soon as its credential opens this no more: a websocket outlives it. */
    checkAgain?: () => Promise<void>
  }
}

/** All that a runner's identity opens. */
const RUNNER_URLS = new Set(RUNNER_ROUTES.map((name) => urlOf(ROUTES[name])))

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

export interface AuthOptions {
  /**
   * Whether the server listens on loopback only. Then requests must be addressed to loopback by name,
   * too, so that a web page can't reach it through a DNS name of its own.
   */
  readonly loopbackOnly: boolean
  /** What the operator has opened; nothing unless told. */
  readonly opened?: ReadonlySet<Opening>
  /** Opens the figures of the process alone. */
  readonly metricsToken?: string | undefined
}

/**
 * Guards all but `OPEN_ROUTES`: who asks needs a token (`Authorization: Bearer …`, or the cookie of a
 * session) of a user whose role is enough; a runner's identity opens what it needs to attach, and
 * nothing else; and what a browser sends to change something, or to open a websocket, must come from
 * a page of this server.
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
        throw new NarwhalError('forbidden', 'your role has changed: come again')
      }
    },
  })
  // Here, since the body is part of what it is asked about.
  server.addHook('preHandler', async (request) => await checkScope(request, store))
}

/** Asked of the route that the router has chosen, as `guardServer` does. */
function isApi(request: FastifyRequest): boolean {
  return (request.routeOptions.url ?? request.url).startsWith('/api/')
}

function checkHost(request: FastifyRequest): void {
  const name = (request.headers.host ?? '').replace(/:\d+$/, '')
  if (!LOOPBACK.has(name)) {
    throw new NarwhalError(
      'forbidden',
      `this server answers on loopback only, and not under the name ${JSON.stringify(name)}`,
    )
  }
}

/** Browsers say where a request comes from; see the Origin header in RFC 6454, section 7. */
function checkOrigin(request: FastifyRequest): void {
  const { origin, host, upgrade } = request.headers
  if (origin === undefined || (request.method === 'GET' && upgrade === undefined)) return
  if (URL.canParse(origin) && new URL(origin).host === host) return
  throw new NarwhalError('forbidden', 'requests from pages of other sites are refused')
}

interface Admission {
  readonly store: Store
  readonly credentials: Credentials
  /** Whether it was admitted before: then an answer that is some moments old does. */
  readonly isAgain?: boolean
}

/** Who may have the route; undefined for a runner's identity. */
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
  throw new NarwhalError('unauthenticated', 'this token is not valid: it may have been removed')
}

/**
 * By the path as it was written, and by the route that the router has chosen for it: the path may be
 * written in many ways, and where all is forwarded the route says nothing.
 */
function checkRole({ method, url, routeOptions }: FastifyRequest, { name, role }: Asker): void {
  const [path = ''] = url.split('?', 1)
  const { url: chosen = path } = routeOptions
  const needed = [path, chosen.endsWith('*') ? path : chosen]
    .map((one) => neededRole(method, one))
    .find((one) => !isEnough(role, one))
  if (needed === undefined) return
  const words = `${name} is ${withArticle(role)}, and this takes ${withArticle(needed)}`
  throw new NarwhalError('forbidden', `${words}: ask an administrator for that role`)
}

function withArticle(role: Role): string {
  return role === 'admin' ? 'an administrator' : `a ${role}`
}

/** Who asks, at a route that only people may have. */
export function getUser({ user }: FastifyRequest): Asker {
  if (user) return user
  throw new NarwhalError('forbidden', 'only a user may ask this')
}
