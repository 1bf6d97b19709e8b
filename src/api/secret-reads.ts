import { repositoryParams } from '../contract/rest.ts'
import { type SecretView, secretList } from '../contract/rest-secrets.ts'
import type { HttpServer } from '../http/server.ts'
import type { SecretRecord } from '../store/records.ts'
import type { StoreReader } from '../store/store.ts'
import { getRepository } from './lookups.ts'
import { orError } from './responses.ts'

/** Adds the lists of secrets, without their values. */
export function registerSecretReads(server: HttpServer, store: StoreReader): void {
  const tags = ['secrets']
  const response = orError(secretList)
  const ofAll = { summary: 'The secrets of all repositories, without their values', tags, response }
  server.get('/api/v1/secrets', { schema: ofAll }, async () => {
    return { secrets: (await store.listSecrets()).map(viewSecret) }
  })
  const ofOne = {
    summary: 'The secrets that jobs of a repository may name: its own and those of all',
    tags,
    params: repositoryParams,
    response,
  }
  server.get('/api/v1/repositories/:repository/secrets', { schema: ofOne }, async (request) => {
    const { id } = await getRepository(store, request.params.repository)
    const own = await store.listSecrets(id)
    const names = new Set(own.map(({ name }) => name))
    const others = (await store.listSecrets()).filter(({ name }) => !names.has(name))
    return { secrets: [...own, ...others].map(viewSecret) }
  })
}

function viewSecret({
  repositoryId,
  name,
  createdAt,
  updatedAt,
  updatedBy,
}: SecretRecord): SecretView {
  const scope = repositoryId === undefined ? 'all' : 'repository'
  const by = updatedBy === undefined ? {} : { updatedBy }
  return { name, scope, createdAt, updatedAt, ...by }
}
