import type { FastifyReply, FastifyRequest } from 'fastify'
import { NarwhalError } from '../../lib/errors.ts'
import { mostBytes } from './signed-webhook.ts'
import type { WebhookHeaders } from './webhook-headers.ts'
import type { WrongSignatures } from './wrong-signatures.ts'

/** Who has sent too many wrong signatures is not listened to with more than this. */
const SMALL_BYTES = 64 * 1024

/** The address has sent too many webhooks with wrong signatures. */
export class TooManyWrong extends NarwhalError {
  readonly waitMs: number

  constructor(waitMs: number) {
    super('exhausted', 'too many webhooks with wrong signatures came from this address')
    this.waitMs = waitMs
  }
}

/** Throws for what need not be read to be refused. */
export function refuseUnread(
  request: FastifyRequest,
  { length }: WebhookHeaders,
  wrong: WrongSignatures,
): void {
  const waitMs = wrong.waitMs(request.ip)
  if (waitMs > 0 && (length === undefined || length > SMALL_BYTES)) throw new TooManyWrong(waitMs)
  const most = mostBytes((request.params as { repository?: string }).repository !== undefined)
  if (length !== undefined && length > most) {
    throw new NarwhalError('too_large', `the body is above ${most / 1024 / 1024} MiB`)
  }
}

/** The connection ends with it, so that what was not read is not sent either. */
export function answerTooMany({ waitMs, code, message }: TooManyWrong, reply: FastifyReply): void {
  void reply
    .code(429)
    .header('connection', 'close')
    .header('retry-after', String(Math.ceil(waitMs / 1000)))
    .type('application/json')
    .serializer(JSON.stringify)
    .send({ code, message })
}
