import type { FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyRequest {
    /** Where it came from first, where a web process of ours has handed it on; see `Forwarders`. */
    forwardedFor?: string
  }
}

/** The address that a request comes from. */
export function addressOf({
  forwardedFor,
  ip,
}: Pick<FastifyRequest, 'forwardedFor' | 'ip'>): string {
  return forwardedFor ?? ip
}
