import type { FastifyRequest } from 'fastify'
import { accepted, errorBody, signIn } from '../contract/rest.ts'
import { sessionBody } from '../contract/rest-insights.ts'
import type { HttpServer } from '../http/server.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { UserRecord } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { getUser, SESSION_COOKIE, sessionToken } from './auth.ts'
import { doerOf } from './doer-of.ts'
import { orError } from './responses.ts'
import { hashToken } from './tokens.ts'

const THIRTY_DAYS_S = 30 * 24 * 3600

/** Adds signing in and out by a browser: the token goes into a cookie that no script can read. */
export function registerSessionRoutes(server: HttpServer, store: Store): void {
  server.post('/api/v1/session', {
    schema: {
      summary: 'Sign in with a token',
      tags: ['session'],
      security: [],
      body: signIn,
      response: { 200: accepted, 401: errorBody },
    },
    handler: async (request, reply) => {
      const { token } = request.body
      const user = await store.findUserByToken(hashToken(token))
      if (!user) throw new NarwhalError('unauthenticated', 'this token is not valid')
      await note(store, request, user, 'session.started')
      void reply.header('set-cookie', cookie(token, THIRTY_DAYS_S, request.protocol))
      return { ok: true } as const
    },
  })
  server.delete('/api/v1/session', {
    schema: { summary: 'Sign out', tags: ['session'], response: { 200: accepted } },
    handler: async (request, reply) => {
      const token = sessionToken(request)
      const user = token && (await store.findUserByToken(hashToken(token)))
      if (user) await note(store, request, user, 'session.ended')
      void reply.header('set-cookie', cookie('', 0, request.protocol))
      return { ok: true } as const
    },
  })
  server.get('/api/v1/session', {
    schema: { summary: 'Who has signed in', tags: ['session'], response: orError(sessionBody) },
    handler: async (request) => {
      const { name, role } = getUser(request)
      return { name, role, canLeave: sessionToken(request) !== undefined }
    },
  })
}

async function note(
  store: Store,
  request: FastifyRequest,
  { id, name }: UserRecord,
  action: 'session.started' | 'session.ended',
): Promise<void> {
  // The routes are open: nobody but they know who it is.
  const by = { ...doerOf(request), actor: { kind: 'person', id, name } } as const
  await store.transact(async (write) => write.audit(by, { action, subject: { id, name } }))
}

/** Of a page that came encrypted, the cookie never travels in the clear. */
function cookie(value: string, maxAgeS: number, protocol: string): string {
  const secure = protocol === 'https' ? '; Secure' : ''
  return `${SESSION_COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeS}${secure}`
}
