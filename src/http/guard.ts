import type { FastifyRequest } from 'fastify'
import type { Opening } from '../core/access/opening.ts'
import { equalsConstantTime } from '../lib/constant-time.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { HttpServer } from './http-server.ts'
import { isOpenRoute } from './open-routes.ts'

export interface Guard {
  /** What the operator has made public. */
  readonly opened: ReadonlySet<Opening>
  /** A bearer token for `/metrics` only. */
  readonly metricsToken?: string | undefined
  /** Throws unless the caller may use this route. */
  readonly admit: (request: FastifyRequest) => Promise<void>
}

/**
 * Requires a credential for every route, also one that does not exist, except those of `OPEN_ROUTES`.
 * Decides by the route that the router has chosen, never by the URL, which can be written in many ways
 * (`/%61pi/…`).
 */
export function guardServer(server: HttpServer, guard: Guard): void {
  const { opened, metricsToken } = guard
  server.addHook('onRequest', async (request) => {
    const { url } = request.routeOptions
    if (isOpenRoute(request.method, url, opened)) return
    // A forge that uses a wrong method gets a 404 with the reason.
    if (url === undefined && request.url.startsWith('/webhooks/')) return
    if (url === '/metrics' && metricsToken && isBearer(request, metricsToken)) return
    await guard.admit(request)
  })
}

/** The token in `Authorization: Bearer …`. */
export function bearerToken(request: FastifyRequest): string | undefined {
  return /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
}

function isBearer(request: FastifyRequest, token: string): boolean {
  const shown = bearerToken(request)
  return shown !== undefined && equalsConstantTime(shown, token)
}

/** Rejects everyone: for servers with open routes and metrics only. */
export async function admitNobody(): Promise<void> {
  throw new NarwhalError(
    'unauthenticated',
    'a token is needed: send `Authorization: Bearer …` with the token of --metrics-token',
  )
}
