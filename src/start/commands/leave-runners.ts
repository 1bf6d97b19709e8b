import { ApiClient } from '../../client/client.ts'
import { describeError, NarwhalError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { ClientTls } from '../../lib/tls/tls-files.ts'
import { IdentityFile } from '../../runner/attach/identity.ts'

const WITHIN_MS = 5_000

/**
 * Removes an ephemeral runner from the list, at the first dispatcher that answers, and deletes its identity.
 * If none answers, the identity is kept for the next start. Never rejects.
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
  let reason = 'no dispatcher is configured'
  for (const server of urls) {
    try {
      const within = AbortSignal.timeout(WITHIN_MS)
      await new ApiClient({ server, token: identity.secret, tls }, within).leaveRunners()
      log.info({ runner: identity.name }, 'left the list of runners')
      return await file.forget(identity)
    } catch (error) {
      // It is not in the list: it has never joined, or was removed.
      if (NarwhalError.from(error).code === 'unauthenticated') return await file.forget(identity)
      reason = describeError(error)
    }
  }
  log.warn({ reason }, 'could not leave the list of runners: removed after --keep-runners')
}
