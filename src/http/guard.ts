import type { FastifyRequest } from 'fastify'
import type { Opening } from '../core/access/opening.ts'
import { equalsConstantTime } from '../lib/constant-time.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { HttpServer } from './http-server.ts'
import { isOpenRoute } from './open-routes.ts'

export interface Guard {
  /** What the operator has opened. */
  readonly opened: ReadonlySet<Opening>
  /** Shown as a bearer token it opens `/metrics`, and nothing else. */
  readonly metricsToken?: string | undefined
  /** Throws unless who asks may have this route. */
  readonly admit: (request: FastifyRequest) => Promise<void>
}

/**
 * Asks for a credential at every route, also at one that is not there, but for those of
 * `OPEN_ROUTES`. Asked of the route that the router has chosen, never of the URL: that may be written
 * in many ways (`/%61pi/…`) which all lead to the same route.
 */
export function guardServer(server: HttpServer, guard: Guard): void {
  const { opened, metricsToken } = guard
  server.addHook('onRequest', async (request) => {
    const { url } = request.routeOptions
    if (isOpenRoute(request.method, url, opened)) return
    // There is nothing; forges that come by a wrong method shall be told so.
    if (url === undefined && request.url.startsWith('/webhooks/')) return
    if (url === '/metrics' && metricsToken && isBearer(request, metricsToken)) return
    await guard.admit(request)
  })
}

/** What `Authorization: Bearer …` says. */
export function bearerToken(request: FastifyRequest): string | undefined {
  return /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
}

function isBearer(request: FastifyRequest, token: string): boolean {
  const shown = bearerToken(request)
  return shown !== undefined && equalsConstantTime(shown, token)
}

/** Lets nobody in: for servers that have nothing but open routes and figures. */
export async function admitNobody(): Promise<void> {
  throw new NarwhalError(
    'unauthenticated',
    'a token is needed: send `Authorization: Bearer …` with that of --metrics-token',
  )
}
