import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import type { SecretRecord } from '../../store/records.ts'
import type { Reads, StoreReader } from '../../store/store.ts'
import { getPipelineDetail, getRepository } from '../lookups.ts'
import { explainSecret } from './explain-secret.ts'
import { runnerNames, viewSecret } from './view-secret.ts'

/** Adds the lists of secrets, without their values. */
export function registerSecretReads(server: HttpServer, store: StoreReader): void {
  registerExplain(server, store)
  route(server, ENDPOINTS.listSecrets, async () => {
    return await viewAll(store, await store.secrets.list())
  })
  route(server, ENDPOINTS.listSecretsOf, async (request) => {
    const { id } = await getRepository(store, request.params.repository)
    const own = await store.secrets.list(id)
    const names = new Set(own.map(({ name }) => name))
    const others = (await store.secrets.list()).filter(({ name }) => !names.has(name))
    return await viewAll(store, [...own, ...others])
  })
}

/** Adds which jobs of a pipeline would get a secret, and why others would not. */
function registerExplain(
  server: HttpServer,
  store: Reads<'pipelines' | 'retention' | 'runners' | 'secrets'>,
): void {
  route(server, ENDPOINTS.explainSecret, async (request) => {
    const { pipeline, secret } = request.params
    return await explainSecret(store, await getPipelineDetail(store, pipeline), secret)
  })
}

async function viewAll(store: Reads<'runners'>, secrets: readonly SecretRecord[]) {
  const names = await runnerNames(store, secrets)
  return { secrets: secrets.map((secret) => viewSecret(secret, names)) }
}
