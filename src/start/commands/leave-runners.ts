import { ApiClient } from '../../client/client.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { ClientTls } from '../../lib/tls/tls-files.ts'
import { IdentityFile } from '../../runner/attach/identity.ts'

const WITHIN_MS = 5_000

/**
 * Has a runner that ends for good leave the list, at the first dispatcher that answers, and forgets its identity.
 * Where none does, the identity stays for the next start. Never rejects.
 */
export async function leaveRunners(
  dataDir: string,
  options: {
    readonly urls: readonly string[]
    readonly tls?: ClientTls | undefined
    readonly log: Logger
  },
): Promise<void> {
  const { urls, tls, log } = options
  const file = new IdentityFile(dataDir)
  const identity = await file.find(urls).catch(() => undefined)
  if (!identity) return
  let reason = 'no dispatcher is named'
  for (const server of urls) {
    try {
      const within = AbortSignal.timeout(WITHIN_MS)
      await new ApiClient({ server, token: identity.secret, tls }, within).leaveRunners()
      log.info({ runner: identity.name }, 'left the list of runners')
      return await file.forget(identity)
    } catch (error) {
      // It is not in the list: it never came there, or somebody has removed it.
      if (NarwhalError.from(error).code === 'unauthenticated') return await file.forget(identity)
      reason = describeError(error)
    }
  }
  log.warn({ reason }, 'this runner could not leave the list: it goes after --keep-runners')
}
