import type { FastifyRequest } from 'fastify'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import { isByTls } from '../../http/answer-headers.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type { UserRecord } from '../../store/records.ts'
import type { Uses, Writes } from '../../store/store.ts'
import { getUser } from './auth.ts'
import { SESSION_COOKIE, sessionToken } from './credentials.ts'
import { doerOf } from './doer-of.ts'
import { refuseLimited } from './scope.ts'
import { makeSignInLink, SESSION_MS, signInUrl, startSession } from './sessions.ts'
import { hashToken } from './tokens.ts'

export interface SessionRouteDeps {
  readonly store: Uses<'sessions' | 'transact'>
  /** The page's URL, if known. */
  readonly publicUrl?: string | undefined
}

/** Adds signing in and out by a browser, with the session in an HttpOnly cookie. */
export function registerSessionRoutes(server: HttpServer, deps: SessionRouteDeps): void {
  addSigningIn(server, deps)
  addSigningOut(server, deps)
  addLinks(server, deps)
  route(server, ENDPOINTS.session, async (request) => {
    const { name, role } = getUser(request)
    return { name, role, canLeave: sessionToken(request) !== undefined }
  })
}

function addSigningIn(server: HttpServer, deps: SessionRouteDeps): void {
  route(server, ENDPOINTS.signIn, async (request, reply) => {
    const { result: session } = await deps.store.transact(async (write) => {
      const user = await signedIn(write, request.body)
      const started = await startSession(write, user)
      const by = 'code' in request.body ? 'link' : 'token'
      const actor = { kind: 'person', id: user.id, name: user.name } as const
      write.audit.add(
        { ...doerOf(request), actor },
        {
          action: 'session.started',
          subject: { id: user.id, name: user.name },
          after: { by, expiresAt: started.endsAt },
        },
      )
      return started.session
    })
    void reply.header('set-cookie', cookie(session, SESSION_MS / 1000, isSecure(request, deps)))
    return { ok: true } as const
  })
}

async function signedIn(
  write: Writes<'signInLinks' | 'tokens' | 'users'>,
  shown: { token: string } | { code: string },
): Promise<UserRecord> {
  if ('token' in shown) {
    const user = await write.tokens.findUser(hashToken(shown.token))
    if (!user) throw new NarwhalError('unauthenticated', 'invalid token')
    refuseLimited(user)
    return user
  }
  const userId = await write.signInLinks.take(hashToken(shown.code), Date.now())
  const user = userId && (await write.users.find(userId))
  if (user) return user
  throw new NarwhalError(
    'unauthenticated',
    'this link was used, has expired (after five minutes), or was replaced by a newer one: create another with `narwhal sign-in-link`',
  )
}

function addSigningOut(server: HttpServer, deps: SessionRouteDeps): void {
  route(server, ENDPOINTS.signOut, async (request, reply) => {
    const session = sessionToken(request)
    if (session !== undefined) await endSession(request, deps.store, hashToken(session))
    void reply.header('set-cookie', cookie('', 0, isSecure(request, deps)))
    return { ok: true } as const
  })
}

async function endSession(
  request: FastifyRequest,
  store: Uses<'sessions' | 'transact'>,
  hash: string,
): Promise<void> {
  const found = await store.sessions.find(hash)
  if (!found) return
  await store.transact(async (write) => {
    if (!(await write.sessions.remove(hash))) return
    const { id, name } = found.user
    const doer = { ...doerOf(request), actor: { kind: 'person', id, name } as const }
    write.audit.add(doer, {
      action: 'session.ended',
      subject: { id, name },
      after: { sessions: 1 },
    })
  })
}

function addLinks(server: HttpServer, { store, publicUrl }: SessionRouteDeps): void {
  route(server, ENDPOINTS.createSignInLink, async (request) => {
    const user = getUser(request)
    refuseLimited(user)
    const { result } = await store.transact(async (write) => {
      const made = await makeSignInLink(write, user)
      write.audit.add(doerOf(request), {
        action: 'sign_in_link.created',
        subject: { id: user.id, name: user.name },
        after: { expiresAt: made.expiresAt },
      })
      return made
    })
    const { code, expiresAt } = result
    return { code, expiresAt, ...present({ url: publicUrl && signInUrl(publicUrl, code) }) }
  })
}

function isSecure(request: FastifyRequest, { publicUrl }: SessionRouteDeps): boolean {
  return isByTls(request) || publicUrl?.startsWith('https:') === true
}

/** Over HTTPS the cookie is `Secure`: never sent in plain text. */
function cookie(value: string, maxAgeS: number, secure: boolean): string {
  const more = secure ? '; Secure' : ''
  return `${SESSION_COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeS}${more}`
}
