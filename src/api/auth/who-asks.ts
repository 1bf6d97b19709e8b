import type { FastifyRequest } from 'fastify'
import { addressOf } from './address-of.ts'

/** Whose share a request counts for: the user's, or the address's where nobody is known. */
export function whoAsks(request: Pick<FastifyRequest, 'user' | 'ip' | 'forwardedFor'>): string {
  return request.user?.id ?? addressOf(request)
}
