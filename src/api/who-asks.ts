import type { FastifyRequest } from 'fastify'

/** Whose share a request counts for: the user's, or the address's where nobody is known. */
export function whoAsks({ user, ip }: Pick<FastifyRequest, 'user' | 'ip'>): string {
  return user?.id ?? ip
}
