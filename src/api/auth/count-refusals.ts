import type { FastifyRequest } from 'fastify'
import type { Doer } from '../../core/audit/audit.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { describeError } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Uses } from '../../store/store.ts'
import { doerOf } from './doer-of.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The id of the expired or used join token that it was rejected with. */
    refusedJoinToken?: string
  }
}

/** Unauthenticated, forbidden, rate-limited. */
const REFUSALS = new Set([401, 403, 429])
const EVERY_MS = 60_000
/** Separate counts per minute; further ones are counted together. */
const MAX_COUNTS = 100

interface Count {
  readonly by: Doer
  readonly status: number
  readonly since: number
  readonly joinToken?: string
  attempts: number
}

/**
 * Counts rejected requests by address, actor and join token, and writes the counts to the audit log each
 * minute: one entry for any number of attempts, and a bounded number of entries for any number of
 * addresses. Nothing else of the requests is kept.
 */
export function countRefusals(
  server: HttpServer,
  { store, log }: { store: Uses<'transact'>; log: Logger },
  everyMs = EVERY_MS,
): void {
  const counts = new Map<string, Count>()
  server.addHook('onResponse', async (request, { statusCode }) => {
    if (REFUSALS.has(statusCode)) note(counts, request, statusCode)
  })
  const flush = async (): Promise<void> => {
    const all = [...counts.values()]
    if (all.length === 0) return
    counts.clear()
    try {
      await store.transact(async (write) => {
        for (const { by, ...count } of all) write.audit.add(by, refused(count))
      })
    } catch (error) {
      log.warn({ reason: describeError(error), attempts: sum(all) }, 'counting refusals failed')
    }
  }
  const timer = setInterval(() => void flush(), everyMs)
  timer.unref()
  server.addHook('onClose', async () => {
    clearInterval(timer)
    await flush()
  })
}

function note(counts: Map<string, Count>, request: FastifyRequest, status: number): void {
  const { actor, address } = doerOf(request)
  const isFull = counts.size >= MAX_COUNTS
  const { refusedJoinToken: joinToken } = request
  const key = `${status} ${actor.kind} ${actor.id} ${address} ${joinToken ?? ''}`
  const at = isFull && !counts.has(key) ? `${status}` : key
  const known = counts.get(at)
  if (known) {
    known.attempts++
    return
  }
  const cause = 'rejected requests'
  const nobody = { kind: 'nobody', id: '', name: '' } as const
  const isApart = at === key
  const by = isApart ? { actor, address, cause } : { actor: nobody, address: 'others', cause }
  const about = isApart && joinToken !== undefined ? { joinToken } : {}
  counts.set(at, { by, status, since: Date.now(), attempts: 1, ...about })
}

function refused({ attempts, status, since, joinToken }: Omit<Count, 'by'>) {
  const after = { attempts, status, since, joinToken }
  return { action: 'access.refused', subject: { id: 'api', name: 'API' }, after } as const
}

function sum(counts: readonly Count[]): number {
  return counts.reduce((total, { attempts }) => total + attempts, 0)
}
