import { doerOf } from '../../api/auth/doer-of.ts'
import { getRepository, getRunner } from '../../api/lookups.ts'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import { type NewSecretBody } from '../../contract/rest/rest-secrets.ts'
import type { Doer } from '../../core/audit/audit.ts'
import { labelOfGrant } from '../../core/secret/secret-rules.ts'
import { secretWarnings } from '../../core/secret/secret-warnings.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { SecretRef } from '../../store/ports/secrets.ts'
import type { Uses } from '../../store/store.ts'
import { secretSubject, setSecret } from '../../vault/secret-values.ts'
import type { Vault } from '../../vault/vault.ts'

interface SecretDeps {
  readonly store: Uses<'repositories' | 'runners' | 'transact'>
  readonly vault: Vault
}

/** Adds setting and removing secrets, for all repositories and for one. */
export function addSecretRoutes(server: HttpServer, deps: SecretDeps): void {
  addSecretsOfAll(server, deps)
  addSecretsOfRepository(server, deps)
}

function addSecretsOfAll(server: HttpServer, deps: SecretDeps): void {
  route(server, ENDPOINTS.setSecret, async (request) => {
    const { secret: name } = request.params
    const { value, ...rules } = await bodyOf(deps.store, request.body)
    await setSecret(deps, { name, value, rules, by: doerOf(request) })
    return { ok: true, warnings: secretWarnings(value, rules, []) } as const
  })
  route(server, ENDPOINTS.removeSecret, async (request) => {
    const { secret: name } = request.params
    await remove(deps.store, { name, of: 'all repositories', by: doerOf(request) })
    return { ok: true } as const
  })
}

function addSecretsOfRepository(server: HttpServer, deps: SecretDeps): void {
  const { store } = deps
  route(server, ENDPOINTS.setSecretOf, async (request) => {
    const { repository, secret: name } = request.params
    const { id, name: of } = await getRepository(store, repository)
    const { value, ...rules } = await bodyOf(store, request.body)
    await setSecret(deps, { repositoryId: id, name, value, rules, by: doerOf(request) })
    return { ok: true, warnings: secretWarnings(value, rules, [of]) } as const
  })
  route(server, ENDPOINTS.removeSecretOf, async (request) => {
    const { repository, secret: name } = request.params
    const { id, name: of } = await getRepository(store, repository)
    await remove(store, { repositoryId: id, name, of, by: doerOf(request) })
    return { ok: true } as const
  })
}

/** The request's body, with runners by id: a name can be reused by another one later. */
async function bodyOf(store: Uses<'runners'>, { runners, ...body }: NewSecretBody) {
  if (body.expiresAt !== undefined && body.expiresAt <= Date.now()) {
    throw new NarwhalError('invalid', 'the secret would have expired already: give a later date')
  }
  if (!runners) return body
  if (runners.length === 1 && runners[0] === 'all') return { ...body, runners: 'all' } as const
  const found = await Promise.all(
    runners.map(async (runner) => {
      if (labelOfGrant(runner) !== undefined) return runner
      return (await getRunner(store, runner)).id
    }),
  )
  return { ...body, runners: [...new Set(found)] }
}

async function remove(
  store: Uses<'transact'>,
  { of, by, ...secret }: SecretRef & { of: string; by: Doer },
): Promise<void> {
  const { result } = await store.transact(async (write) => {
    if (!(await write.secrets.remove(secret))) return false
    const before = { scope: secret.repositoryId ?? 'all' }
    write.audit.add(by, { action: 'secret.removed', subject: secretSubject(secret), before })
    return true
  })
  if (result) return
  const words = `there is no secret ${JSON.stringify(secret.name)} of ${of}; see \`narwhal secret list\``
  throw new NarwhalError('not_found', words)
}
