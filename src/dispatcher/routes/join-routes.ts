import { addressOf } from '../../api/auth/address-of.ts'
import { doerOf } from '../../api/auth/doer-of.ts'
import { Places } from '../../api/logs/places.ts'
import {
  accepted,
  createdJoinToken,
  joinRunner as joinBody,
  joinedRunner,
  joinTokenParams,
  newJoinToken,
} from '../../contract/rest/rest.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Store } from '../../store/store.ts'
import { runnerView } from '../../store/views.ts'
import { FailedTries } from './failed-tries.ts'
import { joinRunner } from './join-runner.ts'
import { makeJoinToken, removeJoinToken } from './join-tokens.ts'

/** So many join at a time. */
const MOST_JOINING = 40
const MOST_FAILED_TRIES = 20

/** Adds making and removing registration tokens, and joining by one. */
export function registerJoinRoutes(server: HttpServer, store: Store): void {
  addJoinRoute(server, store)
  addTokenRoutes(server, store)
}

function addJoinRoute(server: HttpServer, store: Store): void {
  const tries = new FailedTries(MOST_FAILED_TRIES)
  const places = new Places(MOST_JOINING, 'runners join')
  server.post('/api/v1/runners/join', {
    schema: {
      summary: 'Join as a runner that attaches itself; its identity is shown this once',
      tags: ['runners'],
      security: [],
      body: joinBody,
      response: { 201: joinedRunner },
    },
    handler: async (request, reply) => {
      const address = addressOf(request)
      using _place = places.take(address)
      try {
        const { runner, identity } = await joinRunner(store, request.body, doerOf(request))
        request.log.info({ runner: runner.name }, 'runner joined')
        return await reply.code(201).send({ runner: runnerView(runner), identity })
      } catch (error) {
        if (NarwhalError.from(error).code !== 'unauthenticated') throw error
        // Looked at first: behind one proxy others' wrong tokens are none of a right one's business.
        tries.check(address)
        tries.note(address)
        throw error
      }
    },
  })
}

function addTokenRoutes(server: HttpServer, store: Store): void {
  const tags = ['runners']
  server.post('/api/v1/runners/tokens', {
    schema: {
      summary: 'Make a token by which so many runners may join for so long; it is shown this once',
      tags,
      body: newJoinToken,
      response: { 201: createdJoinToken },
    },
    handler: async (request, reply) => {
      const { labels, uses, sources } = request.body
      const made = request.body
      const { token, record } = await makeJoinToken(store, made, doerOf(request))
      const { id, expiresAt } = record
      return reply
        .code(201)
        .send({ id, token, labels, uses, expiresAt, ...(sources ? { sources } : {}) })
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
      await removeJoinToken(store, found, doerOf(request))
      return { ok: true } as const
    },
  })
}
