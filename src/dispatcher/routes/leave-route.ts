import { doerOf } from '../../api/auth/doer-of.ts'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { Doer } from '../../core/audit/audit.ts'
import type { RunnerId } from '../../core/ids.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Reads } from '../../store/store.ts'
import { identify } from './attach-routes.ts'

export interface LeaveDeps {
  readonly store: Reads<'runners'>
  readonly pool: { remove(id: RunnerId, by: Doer): Promise<void> }
}

/** Adds the removal of ephemeral runners at their end, authenticated by their own identities. */
export function registerLeaveRoute(server: HttpServer, { store, pool }: LeaveDeps): void {
  route(server, ENDPOINTS.leaveRunners, async (request) => {
    if (request.user) {
      const words =
        'only a runner itself can leave, with its identity: remove it with `narwhal runner remove`'
      throw new NarwhalError('invalid', words)
    }
    const { id, name, ephemeral } = await identify(request, store)
    // A leaked identity must not be enough to remove a permanent runner.
    if (!ephemeral) {
      const words = `runner ${name} did not join with --ephemeral: an administrator can remove it with \`narwhal runner remove ${name}\``
      throw new NarwhalError('conflict', words)
    }
    const { address, cause } = doerOf(request)
    await pool.remove(id, { actor: { kind: 'runner', id, name }, address, cause })
    return { ok: true } as const
  })
}
