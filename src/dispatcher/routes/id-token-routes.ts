import { doerOf } from '../../api/auth/doer-of.ts'
import { idTokenStateOf } from '../../api/reads/id-token-routes.ts'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Uses } from '../../store/store.ts'
import { rotateIdTokenKeys } from '../../vault/id-token-keys.ts'
import type { Vault } from '../../vault/vault.ts'

/** Adds rotating the key that signs id tokens. */
export function addIdTokenRoutes(
  server: HttpServer,
  {
    store,
    vault,
    issuer,
  }: {
    store: Uses<'idTokens' | 'repositories' | 'transact'>
    vault: Vault
    issuer?: string | undefined
  },
): void {
  route(server, ENDPOINTS.rotateIdTokenKeys, async (request) => {
    const state = await idTokenStateOf({ store, issuer })
    if (state.trouble !== undefined) throw new NarwhalError('conflict', state.trouble)
    const { now } = request.body
    await rotateIdTokenKeys({ store, vault }, { now, by: doerOf(request) })
    return await idTokenStateOf({ store, issuer })
  })
}
