import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FastifyReply } from 'fastify'
import type { z } from 'zod'
import { type ChunkLine, linesOf } from '../../contract/log/log-chunk.ts'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { logQuery } from '../../contract/rest/rest-logs.ts'
import type { JobView } from '../../contract/rest/views.ts'
import type { AttemptRef } from '../../core/ids.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { NarwhalError } from '../../lib/errors.ts'
import type { Reads } from '../../store/store.ts'
import { cutWithoutAccess, watchAccess } from '../auth/watch-access.ts'
import { whoAsks } from '../auth/who-asks.ts'
import type { LiveSource } from '../live-source.ts'
import { getJobOfLog } from '../lookups.ts'
import { followLog, isLogComplete } from './follow-log.ts'
import { readContents } from './log-contents.ts'
import { registerLogSearch } from './log-search-route.ts'
import { logSections } from './log-sections.ts'
import { Places } from './places.ts'

/** Concurrent readers of whole logs; each has a page or two in memory. */
const MAX_READERS = 200

/** An attempt's log: a page of lines, all of it as text, or followed to its end. */
export function registerLogRoutes(
  server: HttpServer,
  deps: {
    readonly store: Reads<'jobs' | 'logs' | 'retention'>
    readonly live: LiveSource
  },
): void {
  const places = new Places(MAX_READERS, 'clients are reading whole logs')
  registerPage(server, deps.store)
  registerLogSearch(server, deps.store)
  registerSections(server, deps.store)
  registerText(server, deps.store, places)
  registerFollow(server, deps, places)
}

function registerPage(server: HttpServer, store: Reads<'jobs' | 'logs' | 'retention'>): void {
  route(server, ENDPOINTS.readLog, async (request) => {
    const log = { jobId: request.params.job, attempt: request.params.attempt }
    // The job first, so that lines added after this are never reported as the last ones.
    const job = await getJobOfLog(store, log)
    const isEnded = isLogComplete(job, log.attempt)
    const stored = countLines(job, log.attempt)
    const { from, limit } = rangeOf(request.query, stored)
    const lines = await store.logs.read(log, from, limit)
    const end = (lines.at(-1)?.number ?? -1) + 1
    return {
      lines,
      total: Math.max(stored, end),
      complete: isEnded && from + lines.length >= stored,
    }
  })
}

/** The number of stored lines of an attempt's log, from its job. */
function countLines(job: JobView, attempt: number): number {
  return job.attempts.find(({ number }) => number === attempt)?.lines ?? 0
}

function rangeOf(
  { from, before, limit }: z.infer<typeof logQuery>,
  stored: number,
): { from: number; limit: number } {
  if (before === undefined) return { from: from ?? 0, limit }
  const end = Math.min(before, stored)
  const start = Math.max(0, end - limit)
  return { from: start, limit: end - start }
}

function registerSections(server: HttpServer, store: Reads<'jobs' | 'logs' | 'retention'>): void {
  route(server, ENDPOINTS.listLogSections, async (request) => {
    const log = { jobId: request.params.job, attempt: request.params.attempt }
    const total = countLines(await getJobOfLog(store, log), log.attempt)
    return { sections: await logSections(store, log, total), total }
  })
}

function registerText(
  server: HttpServer,
  store: Reads<'jobs' | 'logs' | 'retention'>,
  places: Places,
): void {
  route(server, ENDPOINTS.readLogText, async (request, reply) => {
    const log = { jobId: request.params.job, attempt: request.params.attempt }
    const place = places.take(whoAsks(request))
    reply.raw.once('close', () => place[Symbol.dispose]())
    if (reply.raw.destroyed || request.raw.socket.destroyed) place[Symbol.dispose]()
    await getJobOfLog(store, log)
    cutWithoutAccess(request, reply)
    // Hostile output must never be rendered as a page.
    reply.type('text/plain; charset=utf-8').header('x-content-type-options', 'nosniff')
    const { timestamps, download } = request.query
    if (download) {
      const name = `${log.jobId}-${log.attempt}.log`
      reply.header('content-disposition', `attachment; filename="${name}"`)
    }
    const text = readText(store, log, timestamps)
    // A stream bypasses the serializer; the schema is only documentation.
    return reply.send(Readable.from(text, { objectMode: false }))
  })
}

/** Chunk by chunk, at the client's pace: the whole log is never in memory. */
async function* readText(
  store: Reads<'logs'>,
  log: AttemptRef,
  timestamps: boolean,
): AsyncGenerator<string | Buffer> {
  for await (const { chunk, content } of readContents(store, log)) {
    yield timestamps ? linesOf(chunk).map(timedTextOf).join('') : content.text
  }
}

function timedTextOf({ at, text }: ChunkLine): string {
  return `${new Date(at).toISOString()} ${text}\n`
}

function registerFollow(
  server: HttpServer,
  {
    store,
    live,
  }: {
    readonly store: Reads<'jobs' | 'logs' | 'retention'>
    readonly live: LiveSource
  },
  places: Places,
): void {
  route(server, ENDPOINTS.followLog, async (request, reply) => {
    const log = { jobId: request.params.job, attempt: request.params.attempt }
    const gone = new AbortController()
    // Before the first await: otherwise a client that disconnects meanwhile would be served for ever.
    reply.raw.once('close', () => gone.abort())
    using _place = places.take(whoAsks(request))
    using _access = watchAccess(request.checkAgain, () => {
      gone.abort()
      reply.raw.destroy()
    })
    await getJobOfLog(store, log)
    if (gone.signal.aborted || request.raw.socket.destroyed) throw hasGone()
    keepWhileSilent(reply)
    reply.hijack()
    reply.raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'application/x-ndjson; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
    reply.raw.flushHeaders()
    const { from } = request.query
    const lines = ndjson(followLog({ store, live, log, from, signal: gone.signal }))
    try {
      await pipeline(Readable.from(lines, { objectMode: false }), reply.raw)
    } catch (err) {
      if (!gone.signal.aborted) request.log.warn({ err, ...log }, 'following a log failed')
      // The client must see that the log is incomplete.
      reply.raw.destroy()
    }
  })
}

function hasGone(): NarwhalError {
  return new NarwhalError('cancelled', 'the client has disconnected')
}

/**
 * A job may be silent for a long time, so an idle connection is closed only if the client has not
 * received what was sent.
 */
function keepWhileSilent({ raw }: FastifyReply): void {
  raw.on('timeout', (socket: Socket) => {
    if (raw.writableLength > 0) socket.destroy()
    else socket.setTimeout(socket.timeout ?? 0)
  })
}

async function* ndjson(batches: ReturnType<typeof followLog>): AsyncGenerator<string> {
  for await (const { lines } of batches) {
    if (lines.length > 0) yield lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  }
}
