import type { FastifyRequest } from 'fastify'

declare module 'fastify' {
  interface FastifyRequest {
    /** The client's address, if the request was forwarded by one of our web processes; see `Forwarders`. */
    forwardedFor?: string
  }
}

/** The client's address. */
export function addressOf({
  forwardedFor,
  ip,
}: Pick<FastifyRequest, 'forwardedFor' | 'ip'>): string {
  return forwardedFor ?? ip
}
