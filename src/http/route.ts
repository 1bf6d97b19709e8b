import type { FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { Endpoint, PartOf } from '../contract/rest/endpoints/endpoint.ts'
import { urlOf } from '../contract/rest/endpoints/routes.ts'
import { present } from '../lib/present.ts'
import type { HttpServer } from './http-server.ts'

/** A request to an endpoint, parsed by its schemas. */
export type RequestTo<E extends Endpoint> = FastifyRequest<{
  Params: PartOf<E, 'params'>
  Querystring: PartOf<E, 'query'>
  Body: PartOf<E, 'body'>
}>

/** What a handler gives: the answer; where that is text, nothing that counts, since it has sent it itself. */
type Given<E extends Endpoint> = E extends { readonly produces: unknown }
  ? unknown
  : z.input<E['answer']>

/**
 * Binds a handler to an endpoint. Who may ask is looked at by `guardApi`, what is asked is parsed before
 * the handler has it, and what it gives goes out in the form of the endpoint's answer.
 */
export function route<E extends Endpoint>(
  server: HttpServer,
  endpoint: E,
  handle: (request: RequestTo<E>, reply: FastifyReply) => Promise<Given<E>>,
): void {
  const { method, status = 200 } = endpoint
  server.route({
    method,
    url: urlOf(endpoint),
    schema: schemaOf(endpoint),
    handler: (request, reply) => {
      void reply.code(status)
      // The schemas above have made it what this says.
      return handle(request as unknown as RequestTo<E>, reply)
    },
  })
}

function schemaOf(endpoint: Endpoint) {
  const { summary, description, tags, role, produces, status = 200 } = endpoint
  const { params, query: querystring, body, answer } = endpoint
  return {
    summary,
    tags: [...tags],
    ...present({ description }),
    ...(role === 'open' ? { security: [] } : {}),
    ...(produces === undefined ? {} : { produces: [...produces] }),
    ...present({ params, querystring, body }),
    response: { [status]: answer },
  }
}
