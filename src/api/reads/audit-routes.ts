import { Readable } from 'node:stream'
import { ENDPOINTS } from '../../contract/rest/endpoints/endpoints.ts'
import type { HttpServer } from '../../http/http-server.ts'
import { route } from '../../http/route.ts'
import { present } from '../../lib/present.ts'
import type { AuditPlace, AuditReader } from '../../store/ports/audit.ts'
import type { Reads } from '../../store/store.ts'
import { cutWithoutAccess } from '../auth/watch-access.ts'
import { whoAsks } from '../auth/who-asks.ts'
import { Places } from '../logs/places.ts'

/** Concurrent readers of the whole log; each has one batch in memory. */
const MAX_READERS = 10
const BATCH = 500

/** Adds reading the audit log: a page of it, all of it as lines, and its head. */
export function registerAuditReads(server: HttpServer, store: Reads<'audit'>): void {
  route(server, ENDPOINTS.listAudit, async (request) => {
    const { before, ...query } = request.query
    const place = present({ before: before === undefined ? before : placeOf(before) })
    const { entries, next } = await store.audit.list({ ...query, ...place })
    return { entries, ...present({ next: next && `${next.at}-${next.seq}` }) }
  })
  route(server, ENDPOINTS.getAuditHead, () => store.audit.head())
  registerLines(server, store)
}

function registerLines(server: HttpServer, store: Reads<'audit'>): void {
  const places = new Places(MAX_READERS, 'clients are reading the whole audit log')
  route(server, ENDPOINTS.readAuditLines, async (request, reply) => {
    const place = places.take(whoAsks(request))
    reply.raw.once('close', () => place[Symbol.dispose]())
    if (reply.raw.destroyed || request.raw.socket.destroyed) place[Symbol.dispose]()
    cutWithoutAccess(request, reply)
    reply.type('application/x-ndjson; charset=utf-8')
    reply.header('x-content-type-options', 'nosniff').header('cache-control', 'no-store')
    const lines = readLines(store.audit, request.query.after)
    // A stream bypasses the serializer; the schema is only documentation.
    return reply.send(Readable.from(lines, { objectMode: false }))
  })
}

/** Batch by batch, at the client's pace, up to the current end. */
async function* readLines(audit: AuditReader, after: number): AsyncGenerator<string> {
  for (let last = after; ; ) {
    const entries = await audit.read(last, BATCH)
    if (entries.length > 0) yield entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
    last = entries.at(-1)?.seq ?? last
    if (entries.length < BATCH) return
  }
}

function placeOf(text: string): AuditPlace {
  const [at = 0, seq = 0] = text.split('-').map(Number)
  return { at, seq }
}
