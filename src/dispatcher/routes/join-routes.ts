import { addressOf } from '../../api/auth/address-of.ts'
import { doerOf } from '../../api/auth/doer-of.ts'
import { hashToken } from '../../api/auth/tokens.ts'
import { Places } from '../../api/logs/places.ts'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type { JoinTokenRecord } from '../../store/records.ts'
import type { Uses } from '../../store/store.ts'
import { runnerView } from '../../store/views.ts'
import { FailedTries } from './failed-tries.ts'
import { joinRunner } from './join-runner.ts'
import { createJoinToken, removeJoinToken } from './join-tokens.ts'

/** How many runners may join concurrently. */
const MOST_JOINING = 40
const MOST_FAILED_TRIES = 20

/** Adds creating and removing registration tokens, and joining with one. */
export function registerJoinRoutes(
  server: HttpServer,
  store: Uses<'joinTokens' | 'transact'>,
): void {
  addJoinRoute(server, store)
  addTokenRoutes(server, store)
}

function addJoinRoute(server: HttpServer, store: Uses<'joinTokens' | 'transact'>): void {
  const tries = new FailedTries(MOST_FAILED_TRIES)
  const places = new Places(MOST_JOINING, 'runners join')
  route(server, ENDPOINTS.joinRunner, async (request) => {
    const address = addressOf(request)
    using _place = places.take(address)
    try {
      const { runner, identity } = await joinRunner(store, request.body, doerOf(request))
      request.log.info({ runner: runner.name }, 'runner joined')
      return { runner: runnerView(runner), identity }
    } catch (error) {
      if (NarwhalError.from(error).code !== 'unauthenticated') throw error
      // Only after a failure: behind a shared proxy others' wrong tokens must not block a right one.
      tries.check(address)
      tries.add(address)
      const known = await findShown(store, request.body.token)
      if (known) request.refusedJoinToken = known.id
      throw error
    }
  })
}

/** Nothing is known or recorded of tokens that were never ours. */
async function findShown(
  store: Uses<'joinTokens'>,
  token: string | undefined,
): Promise<JoinTokenRecord | undefined> {
  return token === undefined ? undefined : await store.joinTokens.find(hashToken(token))
}

function addTokenRoutes(server: HttpServer, store: Uses<'joinTokens' | 'transact'>): void {
  route(server, ENDPOINTS.createJoinToken, async (request) => {
    const { labels, uses, sources } = request.body
    const { token, record } = await createJoinToken(store, request.body, doerOf(request))
    const { id, expiresAt } = record
    return { id, token, labels, uses, expiresAt, ...present({ sources }) }
  })
  route(server, ENDPOINTS.removeJoinToken, async (request) => {
    const { token } = request.params
    const found = (await store.joinTokens.list()).find(({ id }) => id === token)
    if (!found) throw new NarwhalError('not_found', `there is no token ${token}`)
    await removeJoinToken(store, found, doerOf(request))
    return { ok: true } as const
  })
}
