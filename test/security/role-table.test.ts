import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Role } from '../../src/core/access/role.ts'
import { isOpenRoute } from '../../src/http/open-routes.ts'
import { type Installation, startUp } from '../support/installation.ts'
import { bearer } from '../support/tokens.ts'

/** In order of rank; each role may also do what those before it may. */
const RANKS: readonly Role[] = ['viewer', 'member', 'admin']

/**
 * Changing routes and their roles. A route that is not here and is no `GET` must require an administrator;
 * one that reads is open to everyone who has signed in, except for `ADMIN_READS`.
 */
const CHANGES: Readonly<Record<string, Role>> = {
  'POST /api/v1/pipelines': 'member',
  'POST /api/v1/pipelines/{pipeline}/rerun': 'member',
  'POST /api/v1/pipelines/{pipeline}/rerun-failed': 'member',
  'POST /api/v1/pipelines/{pipeline}/cancel': 'member',
  'POST /api/v1/pipelines/{pipeline}/approve': 'member',
  'POST /api/v1/approvals': 'member',
  'POST /api/v1/jobs/{job}/rerun': 'member',
  'POST /api/v1/jobs/{job}/cancel': 'member',
  'POST /api/v1/tokens': 'viewer',
  'POST /api/v1/tokens/revoke': 'viewer',
  'DELETE /api/v1/tokens/{token}': 'viewer',
  'POST /api/v1/session/links': 'viewer',
}
const ADMIN_READS = ['GET /api/v1/audit', 'GET /api/v1/audit/head', 'GET /api/v1/audit/lines']
/** Not in the document. */
const BESIDES = ['GET /api/v1/openapi.json', 'GET /api/v1/live', 'GET /api/v1/runners/attach']
/** The routes for a runner's identity; the websocket for attaching requires an upgrade as well. */
const OF_RUNNERS = [
  'GET /api/v1/dispatchers',
  'GET /api/v1/runners/attach',
  'POST /api/v1/runners/leave',
]

type Asker = 'nobody' | 'wrong token' | "stranger's job" | 'runner' | Role

function neededFor(route: string): Role {
  if (CHANGES[route]) return CHANGES[route]
  if (!route.startsWith('GET ')) return 'admin'
  return ADMIN_READS.includes(route) ? 'admin' : 'viewer'
}

/** The expected answer of a route: passed, or rejected as unauthenticated or as forbidden. */
function expected(route: string, asker: Asker): 401 | 403 | 'let by' {
  const [method = '', url = ''] = route.split(' ')
  if (isOpenRoute(method, url.replaceAll(/\{(\w+)\}/g, ':$1'), new Set())) return 'let by'
  if (asker === 'runner') return OF_RUNNERS.includes(route) ? 'let by' : 401
  if (asker === 'nobody' || asker === 'wrong token' || asker === "stranger's job") return 401
  return RANKS.indexOf(asker) >= RANKS.indexOf(neededFor(route)) ? 'let by' : 403
}

async function headersOf({ client, token }: Installation): Promise<Record<Asker, object>> {
  const as = async (role: Role): Promise<object> => {
    await client.addUser({ name: role, role })
    return bearer((await client.createToken({ name: 'table', user: role })).token)
  }
  const joinToken = (await client.createJoinToken({})).token
  const { identity } = await client.joinRunner({ name: 'table', token: joinToken })
  return {
    nobody: {},
    'wrong token': bearer('narwhal_wrong'),
    // It has an environment with ids, and no credential.
    "stranger's job": { 'x-narwhal-job': 'job_1', cookie: 'narwhal_session=job_1' },
    runner: bearer(identity),
    viewer: await as('viewer'),
    member: await as('member'),
    admin: bearer(token),
  }
}

async function routesOf({ url, token }: Installation): Promise<string[]> {
  const answer = await fetch(`${url}/api/v1/openapi.json`, { headers: bearer(token) })
  const { paths } = (await answer.json()) as { paths: Record<string, object> }
  const routes = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  )
  return [...routes, ...BESIDES, 'GET /metrics', 'GET /healthz', 'GET /readyz', 'GET /nothing/here']
}

/** With ids of things that do not exist, so that requests that pass change nothing. */
async function statusOf(url: string, route: string, headers: object): Promise<number> {
  const [method = '', path = ''] = route.split(' ')
  const filled = path
    .replace('{attempt}', '1')
    .replace(/\{(\w+)\}/g, (_, name: string) => (name === 'token' ? 'token_0' : `${name}_0`))
  const hasBody = method !== 'GET' && method !== 'DELETE'
  const answer = await fetch(url + filled, {
    method,
    headers: { ...headers, ...(hasBody ? { 'content-type': 'application/json' } : {}) },
    signal: AbortSignal.timeout(20_000),
    ...(hasBody ? { body: '{"nothing":"like this"}' } : {}),
  })
  await answer.body?.cancel()
  return answer.status
}

test('WHO-01: every route answers every role as the table says', async () => {
  await using narwhal = await startUp()
  const headers = await headersOf(narwhal)
  const routes = await routesOf(narwhal)
  assert.ok(routes.length > 60, String(routes.length))
  for (const route of Object.keys(CHANGES)) assert.ok(routes.includes(route), route)
  const wrong: string[] = []
  let count = 0
  for (const route of routes) {
    for (const [asker, shown] of Object.entries(headers) as [Asker, object][]) {
      const status = await statusOf(narwhal.url, route, shown)
      const seen = status === 401 || status === 403 ? status : 'let by'
      // These have credentials of their own in the body, which are wrong here.
      const isByBody = /^POST \/(?:api\/v1\/(?:session|runners\/join)|webhooks\/.*)$/.test(route)
      if (isByBody && status === 401) continue
      // Attaching checks the identity again, and accepts no person.
      if (route === 'GET /api/v1/runners/attach' && RANKS.includes(asker as Role)) continue
      count++
      if (seen !== expected(route, asker)) wrong.push(`${route} as ${asker}: ${status}`)
    }
  }
  assert.deepEqual(wrong, [])
  assert.ok(count > 400, String(count))
})
