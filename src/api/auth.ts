import { createHash, randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { ATTACH_PATH } from '../contract/attach.ts'
import { isEnough, type Role } from '../core/role.ts'
import type { HttpServer } from '../http/server.ts'
import { equalsConstantTime } from '../lib/constant-time.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { UserRecord } from '../store/records.ts'
import type { StoreReader } from '../store/store.ts'
import { neededRole } from './needed-role.ts'

/** The cookie that carries the token of a person who has signed in by a browser. */
export const SESSION_COOKIE = 'narwhal_token'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the route itself looks who asks: by it one gets what opens the others. */
    isOpen?: boolean
  }
  interface FastifyRequest {
    /** Whose token it shows. Absent: it needs none, and may do everything. */
    user?: UserRecord
    /** Throws as soon as its token opens this no more: a websocket outlives it. Absent: it needs none. */
    checkAgain?: () => Promise<void>
  }
}

/** All that a runner's identity opens. */
const RUNNER_ROUTES = new Set([ATTACH_PATH, '/api/v1/dispatchers'])

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

export interface AuthOptions {
  /**
   * Whether the server listens on loopback only. Then no token is needed, but requests must be
   * addressed to loopback by name, so that a web page can't reach it through a DNS name of its own.
   */
  readonly loopbackOnly: boolean
  /** What this process shows to itself; never stored, and gone with the process. */
  readonly ownToken?: string
}

/** A new access token: shown once, stored as `hashToken` of it. */
export function createToken(): string {
  return `narwhal_${random()}`
}

/** A new token by which one runner may join; shown and stored likewise. */
export function createJoinToken(): string {
  return `narwhal_join_${random()}`
}

/** What a runner shows when it attaches itself; shown and stored likewise. */
export function createIdentity(): string {
  return `narwhal_runner_${random()}`
}

function random(): string {
  return randomBytes(24).toString('base64url')
}

/** What is stored of a token. Tokens are long and random, so a plain hash can't be searched. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/**
 * Guards everything under `/api/`: who asks needs a token (`Authorization: Bearer …`, or the cookie of a
 * session) of a user whose role is enough, unless the server listens on loopback only; a runner's identity opens what it needs to
 * attach, and nothing else; and what a browser sends to change
 * something, or to open a websocket, must come from a page of this server.
 */
export function guardApi(server: HttpServer, store: StoreReader, options: AuthOptions): void {
  server.addHook('onRequest', async (request) => {
    if (!isApi(request)) return
    checkOrigin(request)
    if (options.loopbackOnly) {
      checkHost(request)
      // Nobody needs a token here; who shows one is known by name.
      const token = shownToken(request)
      const user = token && (await store.findUserByToken(hashToken(token)))
      if (user) request.user = user
    } else if (!request.routeOptions.config.isOpen) {
      const check = (): Promise<void> => checkToken(request, store, options.ownToken)
      await check()
      request.checkAgain = check
    }
  })
}

/**
 * Asked of the route that the router has chosen, never of the URL: that may be written in many
 * ways (`/%61pi/…`) which all lead to the same route.
 */
function isApi(request: FastifyRequest): boolean {
  return (request.routeOptions.url ?? request.url).startsWith('/api/')
}

function checkHost(request: FastifyRequest): void {
  const name = (request.headers.host ?? '').replace(/:\d+$/, '')
  if (!LOOPBACK.has(name)) {
    throw new NarwhalError(
      'forbidden',
      `this server answers on loopback only, and not under the name ${JSON.stringify(name)}`,
    )
  }
}

/** Browsers say where a request comes from; see the Origin header in RFC 6454, section 7. */
function checkOrigin(request: FastifyRequest): void {
  const { origin, host, upgrade } = request.headers
  if (origin === undefined || (request.method === 'GET' && upgrade === undefined)) return
  if (URL.canParse(origin) && new URL(origin).host === host) return
  throw new NarwhalError('forbidden', 'requests from pages of other sites are refused')
}

async function checkToken(
  request: FastifyRequest,
  store: StoreReader,
  ownToken: string | undefined,
): Promise<void> {
  const token = shownToken(request)
  if (token === undefined) {
    throw new NarwhalError(
      'unauthenticated',
      'a token is needed: send `Authorization: Bearer …`, or sign in',
    )
  }
  if (ownToken !== undefined && equalsConstantTime(token, ownToken)) return
  const hash = hashToken(token)
  const user = await store.findUserByToken(hash)
  if (user) {
    checkRole(request, user)
    request.user = user
    return
  }
  const isForRunners = RUNNER_ROUTES.has(request.routeOptions.url ?? '')
  if (!isForRunners || !(await store.findRunnerByIdentity(hash))) {
    throw new NarwhalError('unauthenticated', 'this token is not valid: it may have been removed')
  }
}

function checkRole({ method, url }: FastifyRequest, { name, role }: UserRecord): void {
  const [path = ''] = url.split('?', 1)
  const needed = neededRole(method, path)
  if (isEnough(role, needed)) return
  const words = `${name} is ${withArticle(role)}, and this takes ${withArticle(needed)}`
  throw new NarwhalError('forbidden', `${words}: ask an administrator for that role`)
}

function withArticle(role: Role): string {
  return role === 'admin' ? 'an administrator' : `a ${role}`
}

function shownToken(request: FastifyRequest): string | undefined {
  return bearerToken(request) ?? sessionToken(request)
}

/** What `Authorization: Bearer …` says. */
export function bearerToken(request: FastifyRequest): string | undefined {
  return /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
}

/** What the cookie of somebody who has signed in says. */
export function sessionToken(request: FastifyRequest): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [name, value] = pair.trim().split('=')
    if (name === SESSION_COOKIE && value) return value
  }
  return undefined
}
