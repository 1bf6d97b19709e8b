import { doerOf } from '../api/doer-of.ts'
import { createToken, hashToken } from '../api/tokens.ts'
import {
  accepted,
  createdJoinToken,
  joinRunner as joinBody,
  joinedRunner,
  joinTokenParams,
  newJoinToken,
} from '../contract/rest.ts'
import type { HttpServer } from '../http/server.ts'
import { NarwhalError } from '../lib/errors.ts'
import { newId } from '../lib/new-id.ts'
import type { Store } from '../store/store.ts'
import { runnerView } from '../store/views.ts'
import { FailedTries } from './failed-tries.ts'
import { joinRunner } from './join-runner.ts'

const TOKEN_LIFE_MS = 3_600_000
const MOST_FAILED_TRIES = 20

/** Adds making and removing registration tokens, and joining by one. */
export function registerJoinRoutes(server: HttpServer, store: Store): void {
  addJoinRoute(server, store)
  addTokenRoutes(server, store)
}

function addJoinRoute(server: HttpServer, store: Store): void {
  const tries = new FailedTries(MOST_FAILED_TRIES)
  server.post('/api/v1/runners/join', {
    schema: {
      summary: 'Join as a runner that attaches itself; its identity is shown this once',
      tags: ['runners'],
      security: [],
      body: joinBody,
      response: { 201: joinedRunner },
    },
    handler: async (request, reply) => {
      tries.check(request.ip)
      try {
        const { runner, identity } = await joinRunner(store, request.body, doerOf(request))
        request.log.info({ runner: runner.name }, 'runner joined')
        return await reply.code(201).send({ runner: runnerView(runner), identity })
      } catch (error) {
        if (NarwhalError.from(error).code === 'unauthenticated') tries.note(request.ip)
        throw error
      }
    },
  })
}

function addTokenRoutes(server: HttpServer, store: Store): void {
  const tags = ['runners']
  server.post('/api/v1/runners/tokens', {
    schema: {
      summary: 'Make a token by which one runner may join within an hour; it is shown this once',
      tags,
      body: newJoinToken,
      response: { 201: createdJoinToken },
    },
    handler: async (request, reply) => {
      const token = createToken('join')
      const createdAt = Date.now()
      const record = {
        id: newId('join'),
        hash: hashToken(token),
        labels: request.body.labels,
        createdAt,
        expiresAt: createdAt + TOKEN_LIFE_MS,
      }
      const { id, labels, expiresAt } = record
      await store.transact(async (write) => {
        await write.insertJoinToken(record)
        const subject = { id, name: id }
        const after = { labels, expiresAt, uses: 1 }
        write.audit(doerOf(request), { action: 'join_token.created', subject, after })
      })
      return reply.code(201).send({ id, token, labels, expiresAt })
    },
  })
  server.delete('/api/v1/runners/tokens/:token', {
    schema: {
      summary: 'Remove a token by which a runner may join; those that have joined stay',
      tags,
      params: joinTokenParams,
      response: { 200: accepted },
    },
    handler: async (request) => {
      const { token } = request.params
      const found = (await store.listJoinTokens()).find(({ id }) => id === token)
      if (!found) throw new NarwhalError('not_found', `there is no token ${token}`)
      await store.transact(async (write) => {
        await write.removeJoinToken(found.id)
        const subject = { id: found.id, name: found.id }
        const before = { labels: found.labels }
        write.audit(doerOf(request), { action: 'join_token.removed', subject, before })
      })
      return { ok: true } as const
    },
  })
}
