import { getUser } from '../../api/auth/auth.ts'
import { doerOf } from '../../api/auth/doer-of.ts'
import { refuseLimited } from '../../api/auth/scope.ts'
import { createToken, hashToken } from '../../api/auth/tokens.ts'
import { getRepository } from '../../api/lookups.ts'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { NewToken } from '../../contract/rest/rest-tokens.ts'
import { isEnough, type Role } from '../../core/access/role.ts'
import type { Doer } from '../../core/audit/audit.ts'
import type { RepositoryId } from '../../core/ids.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { newId } from '../../lib/new-id.ts'
import { present } from '../../lib/present.ts'
import type { TokenLimits, TokenRecord, UserRecord } from '../../store/records.ts'
import type { Reads, Store, Uses, Writes } from '../../store/store.ts'
import { removeJoinToken } from './join-tokens.ts'

/** Adds access tokens: users manage their own, administrators everybody's. */
export function addTokenRoutes(server: HttpServer, store: Store): void {
  addListRoute(server, store)
  addCreateRoute(server, store)
  addRemoveRoute(server, store)
  addRevokeRoute(server, store)
}

function addListRoute(server: HttpServer, store: Uses<'repositories' | 'tokens' | 'users'>): void {
  route(server, ENDPOINTS.listTokens, async (request) => {
    const names = new Map((await store.users.list()).map(({ id, name }) => [id, name]))
    const repositories = new Map(
      (await store.repositories.list()).map(({ id, name }) => [id, name]),
    )
    const tokens = (await listFor(store, getUser(request))).map(
      ({ hash: _hash, userId, endsAt: expiresAt, limits, ...token }) => {
        const user = names.get(userId) ?? ''
        return { ...token, user, ...present({ expiresAt }), ...shownLimits(limits, repositories) }
      },
    )
    return { tokens }
  })
}

function addCreateRoute(server: HttpServer, store: Uses<'repositories' | 'transact'>): void {
  route(server, ENDPOINTS.createToken, async (request) => {
    const token = createToken()
    refuseLimited(getUser(request))
    const { name, user: whose, lifeMs } = request.body
    const { limits, names } = await limitsOf(store, request.body)
    const [id, createdAt] = [newId('token'), Date.now()]
    const endsAt = lifeMs === 'never' ? undefined : createdAt + lifeMs
    const { result: user } = await store.transact(async (write) => {
      const owner = await ownerOf(write, whose, getUser(request))
      const role = limits?.role ?? owner.role
      if (!isEnough(owner.role, role)) throw tooMuch(owner, role)
      const record = { id, name, hash: hashToken(token), createdAt, userId: owner.id }
      await write.tokens.insert({ ...record, ...present({ endsAt, limits }) })
      const after = { user: owner.name, role, expiresAt: endsAt, repositories: names }
      write.audit.add(doerOf(request), { action: 'token.created', subject: { id, name }, after })
      return owner
    })
    const shown = present({ expiresAt: endsAt, role: limits?.role, repositories: names })
    return { id, name, user: user.name, token, ...shown }
  })
}

function addRemoveRoute(server: HttpServer, store: Uses<'tokens' | 'transact'>): void {
  route(server, ENDPOINTS.removeToken, async (request) => {
    refuseLimited(getUser(request))
    const { token } = request.params
    const found = (await listFor(store, getUser(request))).find(({ id }) => id === token)
    if (!found) throw new NarwhalError('not_found', `you have no token ${token}`)
    await remove(store, found, doerOf(request))
    return { ok: true } as const
  })
}

/** For anyone who has found a credential: its holder could use it, so revoking it needs no more rights. */
function addRevokeRoute(
  server: HttpServer,
  store: Uses<'joinTokens' | 'tokens' | 'transact'>,
): void {
  route(server, ENDPOINTS.revokeCredential, async (request) => {
    const hash = hashToken(request.body.value)
    const by = doerOf(request)
    const token = await store.tokens.find(hash)
    if (token) {
      await remove(store, token, by)
      return { revoked: 'access token', id: token.id } as const
    }
    const joinToken = await store.joinTokens.find(hash)
    if (joinToken) {
      await removeJoinToken(store, joinToken, by)
      return { revoked: 'join token', id: joinToken.id } as const
    }
    const { result: wasThere } = await store.transact((write) => write.sessions.remove(hash))
    if (wasThere) return { revoked: 'session' } as const
    throw new NarwhalError('not_found', 'this is not a valid credential here')
  })
}

async function remove(
  store: Uses<'transact'>,
  { id, name, userId }: TokenRecord,
  by: Doer,
): Promise<void> {
  await store.transact(async (write) => {
    await write.tokens.remove(id)
    const before = { user: (await write.users.find(userId))?.name }
    write.audit.add(by, { action: 'token.removed', subject: { id, name }, before })
  })
}

async function listFor(store: Reads<'tokens'>, user: UserRecord): Promise<TokenRecord[]> {
  const all = await store.tokens.list()
  return mayManage(user) ? all : all.filter(({ userId }) => userId === user.id)
}

/** The owner of the new token; by default the caller. */
async function ownerOf(
  write: Writes<'users'>,
  whose: string | undefined,
  asker: UserRecord,
): Promise<UserRecord> {
  if (whose === undefined) return asker
  const found = await write.users.find(whose)
  if (found && (mayManage(asker) || found.id === asker.id)) return found
  if (!mayManage(asker)) {
    throw new NarwhalError('forbidden', 'only administrators can create tokens for others')
  }
  const words = `there is no user ${JSON.stringify(whose)}: add one with \`narwhal user add\``
  throw new NarwhalError('not_found', words)
}

/** The new token's limits, and the canonical names of its repositories. */
async function limitsOf(
  store: Reads<'repositories'>,
  { role, repositories }: Pick<NewToken, 'role' | 'repositories'>,
): Promise<{ readonly limits?: TokenLimits; readonly names?: string[] }> {
  if (!repositories) return role ? { limits: { role } } : {}
  const found = await Promise.all(repositories.map((one) => getRepository(store, one)))
  const ids = [...new Set(found.map(({ id }) => id))]
  const limits = { ...present({ role }), repositories: ids }
  return { limits, names: found.map(({ name }) => name) }
}

function shownLimits(
  limits: TokenLimits | undefined,
  names: ReadonlyMap<RepositoryId, string>,
): { role?: Role; repositories?: string[] } {
  const { role, repositories } = limits ?? {}
  return present({
    role,
    repositories: repositories && repositories.map((id) => names.get(id) ?? id),
  })
}

function tooMuch(owner: UserRecord, role: Role): NarwhalError {
  const words = `a token can't have the role ${role}: its owner ${owner.name} is only ${owner.role}`
  return new NarwhalError('invalid', words)
}

function mayManage(user: UserRecord): boolean {
  return user.role === 'admin'
}
