import type { FastifyReply, FastifyRequest } from 'fastify'
import { NarwhalError } from '../../lib/errors.ts'
import { maxBodyBytes } from './signed-webhook.ts'
import type { WebhookHeaders } from './webhook-headers.ts'
import type { WrongSignatures } from './wrong-signatures.ts'

/** The largest body accepted from an address that has sent too many wrong signatures. */
const SMALL_BYTES = 64 * 1024

/** The address has sent too many webhooks with wrong signatures. */
export class TooManyWrong extends NarwhalError {
  readonly waitMs: number

  constructor(waitMs: number) {
    super('exhausted', 'too many webhooks with wrong signatures from this address: try again later')
    this.waitMs = waitMs
  }
}

/** Rejects a webhook by its headers, before its body is read. */
export function refuseUnread(
  request: FastifyRequest,
  { length }: WebhookHeaders,
  wrong: WrongSignatures,
): void {
  const waitMs = wrong.waitMs(request.ip)
  if (waitMs > 0 && (length === undefined || length > SMALL_BYTES)) throw new TooManyWrong(waitMs)
  const { repository } = request.params as { repository?: string }
  const maxBytes = maxBodyBytes(repository !== undefined)
  if (length !== undefined && length > maxBytes) {
    throw new NarwhalError('too_large', `the body is above ${maxBytes / 1024 / 1024} MiB`)
  }
}

/** Closes the connection, so that the unread body is not sent. */
export function answerTooMany({ waitMs, code, message }: TooManyWrong, reply: FastifyReply): void {
  void reply
    .code(429)
    .header('connection', 'close')
    .header('retry-after', String(Math.ceil(waitMs / 1000)))
    .type('application/json')
    .serializer(JSON.stringify)
    .send({ code, message })
}
