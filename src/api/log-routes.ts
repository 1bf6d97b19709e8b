import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { attemptParams, logFollowQuery, logPage, logQuery, logTextQuery } from '../contract/rest.ts'
import type { LogLine } from '../contract/views.ts'
import type { AttemptRef } from '../core/ids.ts'
import type { HttpServer } from '../http/server.ts'
import { NarwhalError } from '../lib/errors.ts'
import type { StoreReader } from '../store/store.ts'
import { followLog, isLogComplete } from './follow-log.ts'
import type { LiveSource } from './live-source.ts'
import { FIRST_PAGE, isEndOfLog, nextPageSize } from './log-page-size.ts'
import { getJobOfLog } from './lookups.ts'
import { Places } from './places.ts'
import { orError } from './responses.ts'

/** So many may read a log to its end at a time; each has a page or two of it in memory. */
const MOST_READERS = 200

const LOG = '/api/v1/jobs/:job/attempts/:attempt/log'
const tags = ['logs']

/** An attempt's log: a page of lines, the whole as text, or followed to its end. */
export function registerLogRoutes(
  server: HttpServer,
  deps: { readonly store: StoreReader; readonly live: LiveSource },
): void {
  const places = new Places(MOST_READERS, 'clients read whole logs')
  registerPage(server, deps.store)
  registerText(server, deps.store, places)
  registerFollow(server, deps, places)
}

function registerPage(server: HttpServer, store: StoreReader): void {
  const schema = {
    summary: 'Lines of a log from a number on',
    tags,
    params: attemptParams,
    querystring: logQuery,
    response: orError(logPage),
  }
  server.get(LOG, { schema }, async (request) => {
    const log = { jobId: request.params.job, attempt: request.params.attempt }
    const { from, limit } = request.query
    // The job first: lines that come after this are then never said to be the last ones.
    const isEnded = isLogComplete(await getJobOfLog(store, log), log.attempt)
    const lines = await store.readLog(log, from, limit)
    return { lines, complete: isEnded && isEndOfLog(lines, limit) }
  })
}

function registerText(server: HttpServer, store: StoreReader, places: Places): void {
  const schema = {
    summary: 'The whole log as plain text',
    tags,
    params: attemptParams,
    querystring: logTextQuery,
    produces: ['text/plain'],
    response: orError(z.string()),
  }
  server.get(`${LOG}.txt`, { schema }, async (request, reply) => {
    const log = { jobId: request.params.job, attempt: request.params.attempt }
    const place = places.take()
    reply.raw.once('close', () => place[Symbol.dispose]())
    if (reply.raw.destroyed || request.raw.socket.destroyed) place[Symbol.dispose]()
    await getJobOfLog(store, log)
    // Hostile output must never be taken for a page.
    reply.type('text/plain; charset=utf-8').header('x-content-type-options', 'nosniff')
    const text = readText(store, log, request.query.timestamps)
    // A stream passes by the serializer; the schema only describes what arrives.
    const body: unknown = Readable.from(text, { objectMode: false })
    return reply.send(body as string)
  })
}

/** Page by page, as fast as the client takes it: the whole is never in memory at once. */
async function* readText(
  store: StoreReader,
  log: AttemptRef,
  timestamps: boolean,
): AsyncGenerator<string> {
  for (let from = 0, limit = FIRST_PAGE; ; ) {
    const lines = await store.readLog(log, from, limit)
    const last = lines.at(-1)
    if (last) yield lines.map((line) => textOf(line, timestamps)).join('')
    if (!last || isEndOfLog(lines, limit)) return
    from = last.number + 1
    limit = nextPageSize(lines)
  }
}

function textOf(line: LogLine, timestamps: boolean): string {
  return timestamps ? `${new Date(line.at).toISOString()} ${line.text}\n` : `${line.text}\n`
}

function registerFollow(
  server: HttpServer,
  { store, live }: { readonly store: StoreReader; readonly live: LiveSource },
  places: Places,
): void {
  const schema = {
    summary: 'The lines of a log, one JSON object a line, until the attempt has ended',
    tags,
    params: attemptParams,
    querystring: logFollowQuery,
    produces: ['application/x-ndjson'],
    response: orError(z.string()),
  }
  server.get(`${LOG}/follow`, { schema }, async (request, reply) => {
    const log = { jobId: request.params.job, attempt: request.params.attempt }
    const gone = new AbortController()
    // Before anything is waited for: a client that has gone by then would be followed for ever.
    reply.raw.once('close', () => gone.abort())
    using _place = places.take()
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
      if (!gone.signal.aborted) request.log.warn({ err, ...log }, 'following a log broke off')
      // The client must see that this is not the end of the log.
      reply.raw.destroy()
    }
  })
}

function hasGone(): NarwhalError {
  return new NarwhalError('cancelled', 'the client has gone')
}

/**
 * A job may be silent for long, so a connection on which nothing moves is cut off only when the
 * client has not taken what was sent.
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
