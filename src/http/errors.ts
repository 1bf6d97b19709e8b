import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import type { ErrorBody } from '../contract/rest/rest.ts'
import { type ErrorCode, NarwhalError } from '../lib/errors.ts'

const HTTP_STATUS = {
  invalid: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  gone: 410,
  stale: 409,
  too_large: 413,
  // No room on the server's side, such as a full disk; 429 would blame the client.
  exhausted: 503,
  unavailable: 503,
  cancelled: 503,
  internal: 500,
} as const satisfies Record<ErrorCode, number>

/** Answers a failed request: with a NarwhalError's code and message, and no details of other errors. */
export function answerError(
  reason: FastifyError | Error,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { status, body } = describe(reason)
  if (status >= 500 && status !== 503) request.log.error({ err: reason }, 'request failed')
  if (status === 429 || status === 503) void reply.header('retry-after', '5')
  if (status === 401) void reply.header('www-authenticate', 'Bearer realm="narwhal"')
  return reply.code(status).type('application/json').serializer(JSON.stringify).send(body)
}

function describe(reason: FastifyError | Error): { status: number; body: ErrorBody } {
  if (reason instanceof NarwhalError) {
    return {
      status: HTTP_STATUS[reason.code],
      body: { code: reason.code, message: reason.message },
    }
  }
  if (hasZodFastifySchemaValidationErrors(reason)) {
    const problems = reason.validation.map((issue) => ({
      path: `${reason.validationContext ?? 'body'}${issue.instancePath}`,
      message: issue.message ?? 'is not valid',
    }))
    const message = problems.map((problem) => `${problem.path}: ${problem.message}`).join('; ')
    return { status: 400, body: { code: 'invalid', message, problems } }
  }
  // Fastify's own: malformed JSON, a body that is too long, an unknown content type.
  const status = 'statusCode' in reason ? (reason.statusCode ?? 500) : 500
  if (status >= 400 && status < 500) {
    const code = status === 413 ? 'too_large' : status === 404 ? 'not_found' : 'invalid'
    return { status, body: { code, message: reason.message } }
  }
  return { status: 500, body: { code: 'internal', message: 'internal server error' } }
}
