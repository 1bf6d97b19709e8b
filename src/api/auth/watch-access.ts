import type { FastifyReply, FastifyRequest } from 'fastify'
import { NarwhalError } from '../../lib/errors.ts'

/** Who was removed, signed out or given another role is gone within this and a moment. */
export const ACCESS_MS = 3_000

/**
 * Looks again and again whether what outlives its request may go on, and calls `end` once when it may
 * not. A store that is away says nothing about a credential.
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

/** Breaks an answer that takes its time off: the client must see that this is not its end. */
export function cutWithoutAccess({ checkAgain }: FastifyRequest, { raw }: FastifyReply): void {
  if (raw.destroyed) return
  const watch = watchAccess(checkAgain, () => raw.destroy())
  raw.once('close', () => watch[Symbol.dispose]())
}
