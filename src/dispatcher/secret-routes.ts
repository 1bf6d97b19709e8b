import { getRepository } from '../api/lookups.ts'
import { accepted } from '../contract/rest.ts'
import { newSecret, repositorySecretParams, secretParams } from '../contract/rest-secrets.ts'
import type { HttpServer } from '../http/server.ts'
import { NarwhalError } from '../lib/errors.ts'
import { setSecret } from '../store/secret-values.ts'
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
    handler: async ({ params: { secret: name }, body: { value }, user }) => {
      await setSecret(deps, { name, value, by: user?.name })
      return { ok: true } as const
    },
  })
  server.delete('/api/v1/secrets/:secret', {
    schema: { summary: 'Remove a secret of all repositories', tags, params, response },
    handler: async ({ params: { secret: name } }) => {
      await remove(deps.store, { name }, 'all repositories')
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
    handler: async ({ params: { repository, secret: name }, body: { value }, user }) => {
      const { id } = await getRepository(store, repository)
      await setSecret(deps, { repositoryId: id, name, value, by: user?.name })
      return { ok: true } as const
    },
  })
  server.delete('/api/v1/repositories/:repository/secrets/:secret', {
    schema: { summary: 'Remove a secret of a repository', tags, params, response },
    handler: async ({ params: { repository, secret: name } }) => {
      const { id, name: of } = await getRepository(store, repository)
      await remove(store, { repositoryId: id, name }, of)
      return { ok: true } as const
    },
  })
}

async function remove(store: Store, secret: SecretRef, of: string): Promise<void> {
  const { result } = await store.transact((write) => write.removeSecret(secret))
  if (result) return
  const words = `there is no secret ${JSON.stringify(secret.name)} of ${of}; see \`narwhal secret list\``
  throw new NarwhalError('not_found', words)
}
