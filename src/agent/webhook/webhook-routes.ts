import { Readable } from 'node:stream'
import { Counter } from '@prometheus-io/client'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { DISPOSITIONS, type Disposition } from '../../core/delivery/delivery-result.ts'
import { FORGE_FACTS, FORGES, hasWebhooks, type WebhookForge } from '../../core/forges.ts'
import { FORGE_PORTS } from '../../forge/forges.ts'
import type { HttpServer } from '../../http/http-server.ts'
import type { Metrics } from '../../http/metrics.ts'
import { Grouping } from '../../lib/async/grouping.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { ForgeName } from '../../store/ports/repositories.ts'
import type { RepositoryRecord } from '../../store/records.ts'
import type { Uses } from '../../store/store.ts'
import type { Vault } from '../../vault/vault.ts'
import type { Intake } from '../intake.ts'
import { acceptWebhook } from './accept-webhook.ts'
import { BodyThread } from './body-thread.ts'
import { RefusalLog } from './refusal-log.ts'
import { refusalOf } from './refused-webhook.ts'
import { receiveSigned, type SignedWebhook } from './signed-webhook.ts'
import { eventIn, readHeaders } from './webhook-headers.ts'
import { answerTooMany, refuseUnread, TooManyWrong } from './webhook-refusals.ts'
import { WebhookThreads } from './webhook-threads.ts'
import type { DeliveryAnswer } from './write-deliveries.ts'
import { WrongSignatures } from './wrong-signatures.ts'

/** Answered with 202. */
const IN_WORK: ReadonlySet<Disposition> = new Set(['accepted', 'resolving'])

/** Webhooks that wait for the store, at most; GitHub times out after ten seconds. */
const MAX_IN_FLIGHT = 500

const webhookAnswer = z.object({
  status: z.enum(DISPOSITIONS),
  eventId: z.string().optional(),
  reason: z.string().optional(),
})

const webhookParams = z.object({ repository: z.string().max(100) })

export interface WebhookDeps {
  readonly store: Uses<'repositories' | 'transact'>
  readonly vault: Vault
  readonly intake: Intake
  readonly metrics: Metrics
  readonly log: Logger
}

/** Shared by all webhooks. */
interface Webhooks extends WebhookDeps {
  readonly wrong: WrongSignatures
  readonly bodies: BodyThread
  readonly threads: WebhookThreads
  readonly refusals: RefusalLog
  readonly received: Counter<'result'>
  /** Looks up the repositories of concurrent webhooks by one query. */
  readonly byId: Grouping<string, RepositoryRecord | undefined>
  /** Webhooks of all forges that wait for the store. */
  inFlight: number
}

/**
 * Adds `POST /webhooks/FORGE/REPOSITORY`, and `POST /webhooks/FORGE` for short bodies, for each forge: 202
 * for a new commit event, 200 for a known or ignored one. Until its signature is checked, a webhook costs
 * no more than the hash of its bytes.
 */
export function registerWebhookRoutes(server: HttpServer, deps: WebhookDeps): void {
  const webhooks: Webhooks = {
    ...deps,
    wrong: new WrongSignatures(),
    bodies: new BodyThread(),
    threads: new WebhookThreads(),
    refusals: new RefusalLog(deps),
    received: new Counter({
      name: 'narwhal_webhooks_total',
      help: 'Webhooks received, by result.',
      labelNames: ['result'],
      registers: [deps.metrics],
    }),
    byId: new Grouping(async (ids) => {
      const found = await deps.store.repositories.listByIds(ids)
      const known = new Map<string, RepositoryRecord>(found.map((one) => [one.id, one]))
      return ids.map((id) => known.get(id))
    }),
    inFlight: 0,
  }
  server.addHook('onClose', async () => {
    webhooks.bodies[Symbol.dispose]()
    await webhooks.refusals[Symbol.asyncDispose]()
  })
  for (const forge of FORGES.filter(hasWebhooks)) {
    const add = async (scope: HttpServer): Promise<void> => addForge(scope, forge, webhooks)
    void server.register(add, { prefix: `/webhooks/${forge}` })
  }
}

function addForge(scope: HttpServer, forge: WebhookForge, webhooks: Webhooks): void {
  const receive = receiverOf(forge, webhooks)
  const { hooks } = FORGE_PORTS[forge]
  scope.addHook('onRequest', async (request) => {
    if (!request.is404) refuseUnread(request, readHeaders(request.headers, hooks), webhooks.wrong)
  })
  // The signature covers the raw bytes, so Fastify must not parse them.
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', receive)
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<DeliveryAnswer> => {
    const toldAt = Math.round(Date.now() - reply.elapsedTime)
    const headers = readHeaders(request.headers, hooks)
    // For a request without a body Fastify calls no parser.
    const body = request.body as SignedWebhook | undefined
    const webhook = body ?? (await receive(request, Readable.from([])))
    const answer = await limited(webhooks, () =>
      acceptWebhook({ forge, headers, webhook, toldAt }, webhooks),
    )
    webhooks.received.inc({ result: answer.status })
    void reply.code(IN_WORK.has(answer.status) ? 202 : 200)
    return answer
  }
  const noteRefusal = (error: Error, request: FastifyRequest): void => {
    const refusal = error instanceof TooManyWrong ? 'wrong_secret' : refusalOf(error)
    if (refusal === undefined) return
    const { repository: repositoryId } = request.params as { repository?: string }
    const { message } = error
    const event = eventIn(request.headers, hooks)
    webhooks.refusals.note({ refusal, message, repositoryId, event, address: request.ip })
  }
  const schema = {
    summary: `Receive a webhook of ${FORGE_FACTS[forge].title}`,
    tags: ['webhooks'],
    security: [],
    response: { 200: webhookAnswer, 202: webhookAnswer },
  }
  for (const path of ['', '/:repository']) {
    scope.post(path, {
      schema: { ...schema, ...(path === '' ? {} : { params: webhookParams }) },
      handler,
      errorHandler: (error, request, reply) => {
        webhooks.received.inc({ result: resultOf(error) })
        noteRefusal(error, request)
        if (error instanceof TooManyWrong) answerTooMany(error, reply)
        else scope.errorHandler(error, request, reply)
      },
    })
  }
  scope.setNotFoundHandler((request, reply) => {
    if (!/^\/[^/]+\/[^/]+(?:\/[^/]+)?$/.test(request.url) || request.method === 'POST') {
      throw new NarwhalError('not_found', `there is nothing at ${request.method} ${request.url}`)
    }
    const message = `webhooks are sent to this URL by POST, not by ${request.method}`
    void reply.code(405).header('allow', 'POST').send({ code: 'invalid', message })
  })
}

type Receiver = (request: FastifyRequest, payload: Readable) => Promise<SignedWebhook>

function receiverOf(
  forge: WebhookForge,
  { store, vault, byId, bodies, wrong }: Webhooks,
): Receiver {
  const { hooks } = FORGE_PORTS[forge]
  const named = new Grouping<ForgeName, RepositoryRecord[]>((wanted) =>
    store.repositories.findOfForge(forge, wanted),
  )
  const findById = async (id: string): Promise<RepositoryRecord | undefined> => {
    const found = await byId.add(id)
    return found?.forge === forge ? found : undefined
  }
  const deps = { vault, bodies, findById, findNamed: (name: ForgeName) => named.add(name) }
  return async (request, payload) => {
    const { proof, isForm } = readHeaders(request.headers, hooks)
    const { repository: repositoryId } = request.params as { repository?: string }
    try {
      return await receiveSigned({ hooks, payload, proof, isForm, repositoryId }, deps)
    } catch (error) {
      if (NarwhalError.from(error).code !== 'unauthenticated') throw error
      const waitMs = wrong.waitMs(request.ip)
      wrong.note(request.ip)
      throw waitMs > 0 ? new TooManyWrong(waitMs) : error
    }
  }
}

function resultOf(error: Error): string {
  if (error instanceof TooManyWrong) return 'too_many'
  return error instanceof NarwhalError ? error.code : 'refused'
}

async function limited<Result>(webhooks: Webhooks, work: () => Promise<Result>): Promise<Result> {
  if (webhooks.inFlight >= MAX_IN_FLIGHT) {
    const message = `${MAX_IN_FLIGHT} webhooks are in flight: deliver it again later`
    throw new NarwhalError('unavailable', message)
  }
  webhooks.inFlight++
  try {
    return await work()
  } finally {
    webhooks.inFlight--
  }
}
