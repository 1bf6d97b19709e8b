import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyReply } from 'fastify'
import { ROUTES, urlOf } from '../contract/rest/endpoints/routes.ts'
import type { HttpServer } from '../http/http-server.ts'
import { PAGE_PATHS } from '../http/open-routes.ts'
import { exists } from '../lib/exists.ts'

const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
} as const

const STATUS = urlOf(ROUTES.status)
const UNBUILT = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Narwhal</title>
<h1>Narwhal is running, but its pages are not built</h1>
<p>Build them with <code>npm run build</code> in the checkout and start Narwhal again.
<p>The API is at <a href="${STATUS}">${STATUS}</a>.
</html>
`

/** Serves the built app from a folder; if it is missing, a page that says how to build it. */
export async function registerUiFiles(server: HttpServer, dist: string): Promise<void> {
  const isBuilt = await exists(join(dist, 'index.html'))
  const schema = { hide: true }
  if (!isBuilt) {
    for (const path of PAGE_PATHS) {
      server.get(path, { schema }, async (_request, reply) => {
        return withSecurity(reply).code(503).type('text/html; charset=utf-8').send(UNBUILT)
      })
    }
    return
  }
  await server.register(fastifyStatic, {
    root: join(dist, 'assets'),
    prefix: '/assets/',
    decorateReply: true,
    index: false,
    // File names contain a hash of the content.
    immutable: true,
    maxAge: '1y',
    // Each file has a compressed copy; see ui/vite.config.ts.
    preCompressed: true,
    setHeaders: (reply) => {
      withSecurity(reply)
    },
    schemaHide: true,
  })
  for (const path of PAGE_PATHS) {
    server.get(path, { schema }, async (_request, reply) => sendPage(reply, dist, 'index.html'))
  }
  server.get('/favicon.svg', { schema }, async (_request, reply) => {
    return sendPage(reply, dist, 'favicon.svg')
  })
}

function sendPage(reply: FastifyReply, dist: string, name: string): FastifyReply {
  return withSecurity(reply)
    .header('cache-control', 'no-cache')
    .sendFile(name, dist, { immutable: false, maxAge: 0, cacheControl: false })
}

function withSecurity(reply: FastifyReply): FastifyReply {
  return reply.headers(SECURITY_HEADERS)
}
