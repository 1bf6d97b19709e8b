import { Counter } from '@prometheus-io/client'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { EventDetails } from '../core/commit-event.ts'
import { parseTraceparent } from '../core/traceparent.ts'
import type { Metrics } from '../http/metrics.ts'
import type { HttpServer } from '../http/server.ts'
import { NarwhalError } from '../lib/errors.ts'
import { Grouping } from '../lib/grouping.ts'
import type { RepositoryRecord } from '../store/records.ts'
import type { ForgeName, StoreReader } from '../store/store.ts'
import type { Vault } from '../store/vault.ts'
import { openWebhookSecret } from '../store/webhook-secrets.ts'
import { type ParsedWebhook, parseGithub, verifyGithubSignature } from './github.ts'
import type { Intake } from './intake.ts'
import type { Delivery } from './write-deliveries.ts'

/** GitHub sends no payload above 25 MB (docs.github.com, "Webhook events and payloads"). */
const MAX_BODY_BYTES = 25 * 1024 * 1024

/** So many webhooks may wait for the store; GitHub gives up after ten seconds, and they with it. */
const MOST_IN_HAND = 500

const webhookAnswer = z.object({
  status: z.enum(['accepted', 'known', 'ignored']),
  eventId: z.string().optional(),
  reason: z.string().optional(),
})
type WebhookAnswer = z.infer<typeof webhookAnswer>

/** Just enough of a payload to find whose secret it must be signed with; nothing is trusted yet. */
const addressed = z.object({
  repository: z.object({ id: z.number().int().positive(), full_name: z.string().max(300) }),
})

/** Webhooks that come together look their repositories up together. */
type Repositories = Grouping<ForgeName, RepositoryRecord | undefined>

export interface WebhookDeps {
  readonly store: StoreReader
  readonly vault: Vault
  readonly intake: Intake
  readonly metrics: Metrics
}

/** Adds `POST /webhooks/github`: 202 for a new commit event, 200 for what is known or ignored. */
export function registerWebhookRoutes(server: HttpServer, deps: WebhookDeps): void {
  const received = new Counter({
    name: 'narwhal_webhooks_total',
    help: 'Webhooks received, by what became of them.',
    labelNames: ['result'],
    registers: [deps.metrics],
  })
  const { store, intake, vault } = deps
  const repositories: Repositories = new Grouping((wanted) =>
    store.findForgeRepositories('github', wanted),
  )
  void server.register(async (scope) => {
    // The signature covers the bytes as they were sent, so nothing may parse them before.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    )
    let inHand = 0
    scope.post('/webhooks/github', {
      bodyLimit: MAX_BODY_BYTES,
      schema: {
        summary: 'Receive a webhook of GitHub',
        tags: ['webhooks'],
        security: [],
        response: { 200: webhookAnswer, 202: webhookAnswer },
      },
      handler: async (request: FastifyRequest, reply: FastifyReply) => {
        if (inHand >= MOST_IN_HAND) {
          const words = `${MOST_IN_HAND} webhooks wait already: deliver it again later`
          throw new NarwhalError('unavailable', words)
        }
        inHand++
        try {
          const toldAt = Math.round(Date.now() - reply.elapsedTime)
          const answer = await receive(request, { intake, repositories, vault, toldAt })
          received.inc({ result: answer.status })
          return reply.code(answer.status === 'accepted' ? 202 : 200).send(answer)
        } finally {
          inHand--
        }
      },
      errorHandler: (error, request, reply) => {
        received.inc({ result: error instanceof NarwhalError ? error.code : 'refused' })
        server.errorHandler(error, request, reply)
      },
    })
  })
}

async function receive(
  request: FastifyRequest,
  {
    intake,
    repositories,
    vault,
    toldAt,
  }: { intake: Intake; repositories: Repositories; vault: Vault; toldAt: number },
): Promise<WebhookAnswer> {
  const eventName = requiredHeader(request, 'x-github-event')
  const deliveryId = requiredHeader(request, 'x-github-delivery')
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const payload = parsePayload(body, request.headers['content-type'])
  const repository = await findAddressed(repositories, payload)
  authenticate(openWebhookSecret(vault, repository), body, request)
  const { traceparent } = request.headers
  const told = tellOf(parseGithub(eventName, payload), repository, {
    toldAt,
    ...(typeof traceparent === 'string' && parseTraceparent(traceparent) ? { traceparent } : {}),
  })
  return await intake.acceptDelivery({
    forge: 'github',
    deliveryId,
    repositoryId: repository.id,
    told,
  })
}

function tellOf(
  parsed: ParsedWebhook,
  repository: RepositoryRecord,
  how: Pick<EventDetails, 'toldAt' | 'traceparent'>,
): Delivery['told'] {
  if (parsed.kind === 'ignored') return { kind: 'ignored', reason: parsed.reason }
  return {
    kind: 'commit',
    event: {
      ...parsed.event,
      repositoryId: repository.id,
      details: { ...parsed.event.details, ...how },
      source: 'webhook',
    },
    ...(repository.forgeId === undefined ? { forgeId: parsed.repository.forgeId } : {}),
  }
}

async function findAddressed(
  repositories: Repositories,
  payload: unknown,
): Promise<RepositoryRecord> {
  const address = addressed.safeParse(payload)
  if (!address.success) {
    throw new NarwhalError(
      'invalid',
      'the payload names no repository (`repository.id` and `repository.full_name`)',
    )
  }
  const { id: forgeId, full_name: fullName } = address.data.repository
  const repository = await repositories.add({ forgeId, fullName })
  if (!repository) {
    throw new NarwhalError(
      'not_found',
      `repository ${JSON.stringify(fullName)} is not registered here: narwhal repo add --forge github …`,
    )
  }
  return repository
}

function authenticate(secret: string, body: Buffer, request: FastifyRequest): void {
  const signature = request.headers['x-hub-signature-256']
  const given = Array.isArray(signature) ? undefined : signature
  if (!verifyGithubSignature(secret, body, given)) {
    throw new NarwhalError(
      'unauthenticated',
      given === undefined
        ? 'the webhook is not signed: enter the secret of this repository at the forge'
        : 'the signature does not match: the secret at the forge is not the one of this repository',
    )
  }
}

function requiredHeader(request: FastifyRequest, name: string): string {
  const value = request.headers[name]
  if (typeof value === 'string' && /^[\x21-\x7e]{1,100}$/.test(value)) return value
  throw new NarwhalError('invalid', `the header ${name} is missing or malformed`)
}

function parsePayload(body: Buffer, contentType: string | undefined): unknown {
  const form = contentType?.startsWith('application/x-www-form-urlencoded')
  const text = form ? new URLSearchParams(body.toString()).get('payload') : body.toString()
  try {
    return JSON.parse(text ?? '')
  } catch (error) {
    throw new NarwhalError('invalid', 'the body is not JSON', { cause: error })
  }
}
