import { Counter } from '@prometheus-io/client'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { EventDetails } from '../core/commit-event.ts'
import type { WebhookForge } from '../core/forge.ts'
import { decideTrust } from '../core/stranger.ts'
import { parseTraceparent } from '../core/traceparent.ts'
import type { Metrics } from '../http/metrics.ts'
import type { HttpServer } from '../http/server.ts'
import { NarwhalError } from '../lib/errors.ts'
import { Grouping } from '../lib/grouping.ts'
import type { RepositoryRecord } from '../store/records.ts'
import type { ForgeName, StoreReader } from '../store/store.ts'
import type { Vault } from '../store/vault.ts'
import { openWebhookSecret } from '../store/webhook-secrets.ts'
import { FORGE_HOOKS, type ForgeHooks, firstHeader } from './forge-hooks.ts'
import type { Intake } from './intake.ts'
import type { ParsedWebhook } from './parsed-webhook.ts'
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

/** Webhooks that come together look their repositories up together. */
type Repositories = Grouping<ForgeName, RepositoryRecord | undefined>

export interface WebhookDeps {
  readonly store: StoreReader
  readonly vault: Vault
  readonly intake: Intake
  readonly metrics: Metrics
}

/**
 * Adds `POST /webhooks/github`, `/webhooks/gitea` and `/webhooks/gitlab`: 202 for a new commit event,
 * 200 for what is known or ignored.
 */
export function registerWebhookRoutes(server: HttpServer, deps: WebhookDeps): void {
  const received = new Counter({
    name: 'narwhal_webhooks_total',
    help: 'Webhooks received, by what became of them.',
    labelNames: ['result'],
    registers: [deps.metrics],
  })
  const inHand: InHand = { count: 0 }
  void server.register(async (scope) => {
    // The signature covers the bytes as they were sent, so nothing may parse them before.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    )
    for (const forge of Object.keys(FORGE_HOOKS) as WebhookForge[]) {
      const repositories: Repositories = new Grouping((wanted) =>
        deps.store.findForgeRepositories(forge, wanted),
      )
      scope.post(`/webhooks/${forge}`, {
        bodyLimit: MAX_BODY_BYTES,
        schema: {
          summary: `Receive a webhook of ${FORGE_HOOKS[forge].title}`,
          tags: ['webhooks'],
          security: [],
          response: { 200: webhookAnswer, 202: webhookAnswer },
        },
        handler: async (request: FastifyRequest, reply: FastifyReply) => {
          const toldAt = Math.round(Date.now() - reply.elapsedTime)
          const answer = await oneOfMost(inHand, () =>
            receive(request, forge, { ...deps, repositories, toldAt }),
          )
          received.inc({ result: answer.status })
          return reply.code(answer.status === 'accepted' ? 202 : 200).send(answer)
        },
        errorHandler: (error, request, reply) => {
          received.inc({ result: error instanceof NarwhalError ? error.code : 'refused' })
          server.errorHandler(error, request, reply)
        },
      })
    }
  })
}

/** How many webhooks are under way, of all forges together. */
interface InHand {
  count: number
}

async function oneOfMost<Result>(inHand: InHand, work: () => Promise<Result>): Promise<Result> {
  if (inHand.count >= MOST_IN_HAND) {
    const words = `${MOST_IN_HAND} webhooks wait already: deliver it again later`
    throw new NarwhalError('unavailable', words)
  }
  inHand.count++
  try {
    return await work()
  } finally {
    inHand.count--
  }
}

interface Receiving extends WebhookDeps {
  readonly repositories: Repositories
  /** When the forge began to tell. */
  readonly toldAt: number
}

async function receive(
  request: FastifyRequest,
  forge: WebhookForge,
  { intake, repositories, vault, toldAt }: Receiving,
): Promise<WebhookAnswer> {
  const hooks = FORGE_HOOKS[forge]
  const eventName = requiredHeader(request, hooks.eventHeaders, /^[\x20-\x7e]{1,100}$/)
  const deliveryId = requiredHeader(request, hooks.deliveryHeaders, /^[\x21-\x7e]{1,100}$/)
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
  const payload = parsePayload(body, request.headers['content-type'])
  const repository = await findAddressed(repositories, forge, payload)
  authenticate(hooks, openWebhookSecret(vault, repository), { body, headers: request.headers })
  const { traceparent } = request.headers
  const told = tellOf(hooks.parse(eventName, payload), repository, {
    toldAt,
    ...(typeof traceparent === 'string' && parseTraceparent(traceparent) ? { traceparent } : {}),
  })
  return await intake.acceptDelivery({ forge, deliveryId, repositoryId: repository.id, told })
}

function tellOf(
  parsed: ParsedWebhook,
  repository: RepositoryRecord,
  how: Pick<EventDetails, 'toldAt' | 'traceparent'>,
): Delivery['told'] {
  if (parsed.kind === 'ignored') return { kind: 'ignored', reason: parsed.reason }
  const { facts, ...told } = parsed.event
  const event = { ...told, source: 'webhook' } as const
  return {
    kind: 'commit',
    event: {
      ...event,
      repositoryId: repository.id,
      trust: decideTrust(event, facts, repository),
      details: { ...told.details, ...how },
    },
    ...(repository.forgeId === undefined ? { forgeId: parsed.repository.forgeId } : {}),
  }
}

async function findAddressed(
  repositories: Repositories,
  forge: WebhookForge,
  payload: unknown,
): Promise<RepositoryRecord> {
  const address = FORGE_HOOKS[forge].addressOf(payload)
  if (!address) {
    const place = forge === 'gitlab' ? 'project.path_with_namespace' : 'repository.full_name'
    const words = `the payload names no repository (\`${place.split('.')[0]}.id\` and \`${place}\`)`
    throw new NarwhalError('invalid', words)
  }
  const repository = await repositories.add(address)
  if (!repository) {
    throw new NarwhalError(
      'not_found',
      `repository ${JSON.stringify(address.fullName)} is not registered here: narwhal repo add --forge ${forge} …`,
    )
  }
  return repository
}

function authenticate(
  { verify, proofHeaders }: ForgeHooks,
  secret: string,
  { body, headers }: { body: Buffer; headers: FastifyRequest['headers'] },
): void {
  const proof = firstHeader(headers, proofHeaders)
  if (proof !== undefined && verify(secret, body, proof)) return
  throw new NarwhalError(
    'unauthenticated',
    proof === undefined
      ? 'the webhook is not signed: enter the secret of this repository at the forge'
      : 'the signature does not match: the secret at the forge is not the one of this repository',
  )
}

function requiredHeader(
  { headers }: FastifyRequest,
  names: readonly string[],
  form: RegExp,
): string {
  const value = firstHeader(headers, names)
  if (value !== undefined && form.test(value)) return value
  throw new NarwhalError('invalid', `the header ${names[0]} is missing or malformed`)
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
