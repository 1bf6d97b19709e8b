import { doerOf } from '../api/doer-of.ts'
import { getRepository } from '../api/lookups.ts'
import { accepted } from '../contract/rest.ts'
import { newSecret, repositorySecretParams, secretParams } from '../contract/rest-secrets.ts'
import type { Doer } from '../core/audit.ts'
import type { HttpServer } from '../http/server.ts'
import { NarwhalError } from '../lib/errors.ts'
import { secretSubject, setSecret } from '../store/secret-values.ts'
import type { SecretRef, Store } from '../store/store.ts'
import type { Vault } from '../store/vault.ts'

interface SecretDeps {
  readonly store: Store
  readonly vault: Vault
}

/** Adds setting and removing secrets, of all repositories and of one. */
export function addSecretRoutes(server: HttpServer, deps: SecretDeps): void {
  addSecretsOfAll(server, deps)
  addSecretsOfRepository(server, deps)
}

function addSecretsOfAll(server: HttpServer, deps: SecretDeps): void {
  const tags = ['secrets']
  const params = secretParams
  const response = { 200: accepted }
  server.put('/api/v1/secrets/:secret', {
    schema: {
      summary: 'Set a secret that jobs of all repositories may name',
      tags,
      params,
      body: newSecret,
      response,
    },
    handler: async (request) => {
      const { secret: name } = request.params
      await setSecret(deps, { name, value: request.body.value, by: doerOf(request) })
      return { ok: true } as const
    },
  })
  server.delete('/api/v1/secrets/:secret', {
    schema: { summary: 'Remove a secret of all repositories', tags, params, response },
    handler: async (request) => {
      const { secret: name } = request.params
      await remove(deps.store, { name, of: 'all repositories', by: doerOf(request) })
      return { ok: true } as const
    },
  })
}

function addSecretsOfRepository(server: HttpServer, deps: SecretDeps): void {
  const tags = ['secrets']
  const { store } = deps
  const params = repositorySecretParams
  const response = { 200: accepted }
  server.put('/api/v1/repositories/:repository/secrets/:secret', {
    schema: {
      summary: 'Set a secret that jobs of a repository may name, instead of one of all',
      tags,
      params,
      body: newSecret,
      response,
    },
    handler: async (request) => {
      const { repository, secret: name } = request.params
      const { id } = await getRepository(store, repository)
      const { value } = request.body
      await setSecret(deps, { repositoryId: id, name, value, by: doerOf(request) })
      return { ok: true } as const
    },
  })
  server.delete('/api/v1/repositories/:repository/secrets/:secret', {
    schema: { summary: 'Remove a secret of a repository', tags, params, response },
    handler: async (request) => {
      const { repository, secret: name } = request.params
      const { id, name: of } = await getRepository(store, repository)
      await remove(store, { repositoryId: id, name, of, by: doerOf(request) })
      return { ok: true } as const
    },
  })
}

async function remove(
  store: Store,
  { of, by, ...secret }: SecretRef & { of: string; by: Doer },
): Promise<void> {
  const { result } = await store.transact(async (write) => {
    if (!(await write.removeSecret(secret))) return false
    const before = { scope: secret.repositoryId ?? 'all' }
    write.audit(by, { action: 'secret.removed', subject: secretSubject(secret), before })
    return true
  })
  if (result) return
  const words = `there is no secret ${JSON.stringify(secret.name)} of ${of}; see \`narwhal secret list\``
  throw new NarwhalError('not_found', words)
}
