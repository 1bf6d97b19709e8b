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

/** What a handler returns: the answer. For text the value is ignored, as the handler has sent it itself. */
type Given<E extends Endpoint> = E extends { readonly produces: unknown }
  ? unknown
  : z.input<E['answer']>

/**
 * Binds a handler to an endpoint. `guardApi` checks access, the request is parsed by the endpoint's
 * schemas before the handler runs, and its result is serialized by the schema of the answer.
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
      // The schemas above have parsed it into this.
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
    ...(role === 'open' ? { security: [] } : {}),
    ...present({ description, produces: produces && [...produces], params, querystring, body }),
    response: { [status]: answer },
  }
}
