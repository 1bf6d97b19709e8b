import type { FastifyRequest } from 'fastify'
import type { Doer } from '../../core/audit/audit.ts'
import { bearerToken } from '../../http/guard.ts'
import { addressOf } from './address-of.ts'

/** The actor for `write.audit`. The cause is the route's pattern, as a URL may contain anything. */
export function doerOf(request: FastifyRequest): Doer {
  const cause = `${request.method} ${request.routeOptions.url ?? 'an unknown path'}`
  return { actor: actorOf(request), address: addressOf(request), cause }
}

function actorOf(request: FastifyRequest): Doer['actor'] {
  const { user } = request
  if (!user) return { kind: 'nobody', id: '', name: '' }
  const kind = bearerToken(request) === undefined ? 'person' : 'token'
  return { kind, id: user.id, name: user.name }
}
