import type { FastifyReply, FastifyRequest } from 'fastify'
import { NarwhalError } from '../../lib/errors.ts'

/** Connections of a user who was removed, signed out or given another role end about this soon. */
export const ACCESS_MS = 3_000

/**
 * Checks periodically whether a long-lived response may continue, and calls `end` once if not. An
 * unavailable store does not end it.
 */
export function watchAccess(
  checkAgain: FastifyRequest['checkAgain'],
  end: (reason: NarwhalError) => void,
  everyMs = ACCESS_MS,
): Disposable {
  if (!checkAgain) return { [Symbol.dispose]: () => {} }
  const timer = setInterval(() => {
    checkAgain().catch((error: unknown) => {
      const reason = NarwhalError.from(error)
      if (reason.code !== 'unauthenticated' && reason.code !== 'forbidden') return
      clearInterval(timer)
      end(reason)
    })
  }, everyMs)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/** Aborts a long response when access ends, so that the client sees that it is incomplete. */
export function cutWithoutAccess({ checkAgain }: FastifyRequest, { raw }: FastifyReply): void {
  if (raw.destroyed) return
  const watch = watchAccess(checkAgain, () => raw.destroy())
  raw.once('close', () => watch[Symbol.dispose]())
}
