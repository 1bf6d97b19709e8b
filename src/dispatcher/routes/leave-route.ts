import { doerOf } from '../../api/auth/doer-of.ts'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { Doer } from '../../core/audit/audit.ts'
import type { RunnerId } from '../../core/ids.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { StoreReader } from '../../store/store.ts'
import { identify } from './attach-routes.ts'

export interface LeaveDeps {
  readonly store: Pick<StoreReader, 'runners'>
  readonly pool: { remove(id: RunnerId, by: Doer): Promise<void> }
}

/** Adds leaving the list, for runners that joined to do so at their end; each shows its own identity. */
export function registerLeaveRoute(server: HttpServer, { store, pool }: LeaveDeps): void {
  route(server, ENDPOINTS.leaveRunners, async (request) => {
    if (request.user) {
      const words = 'a runner leaves by its own identity: remove it with `narwhal runner remove`'
      throw new NarwhalError('invalid', words)
    }
    const { id, name, ephemeral } = await identify(request, store)
    // Who has found the identity of one that is to stay can't take it away by that.
    if (!ephemeral) {
      const words = `runner ${name} did not join with --ephemeral: an administrator removes it, with \`narwhal runner remove ${name}\``
      throw new NarwhalError('conflict', words)
    }
    const { address, cause } = doerOf(request)
    await pool.remove(id, { actor: { kind: 'runner', id, name }, address, cause })
    return { ok: true } as const
  })
}
