import type { FastifyRequest } from 'fastify'
import { addressOf } from './address-of.ts'

/** The key for fair shares: the user, or the address of an unauthenticated caller. */
export function whoAsks(request: Pick<FastifyRequest, 'user' | 'ip' | 'forwardedFor'>): string {
  return request.user?.id ?? addressOf(request)
}
