import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Opening } from '../core/access/opening.ts'
import { NarwhalError } from '../lib/errors.ts'
import { silentLog } from '../lib/log.ts'
import { admitNobody, guardServer } from './guard.ts'
import { openMetrics } from './metrics.ts'
import { createHttpServer, type HttpDeps, listen } from './server.ts'

async function create(deps: Partial<HttpDeps> = {}) {
  const ready = async (): Promise<void> => {}
  const base = { log: silentLog(), metrics: openMetrics(), ready, version: '1.2.3' }
  const server = await createHttpServer({ ...base, ...deps })
  return { server, [Symbol.asyncDispose]: () => server.close() }
}

test('a process that can work says so, and why it starts nothing new', async () => {
  let short: string | undefined
  await using at = await create({ short: () => short })
  assert.deepEqual((await at.server.inject('/healthz')).json(), { status: 'ok', version: '1.2.3' })
  assert.deepEqual((await at.server.inject('/readyz')).json(), { status: 'ready' })
  short = 'the disk is full'
  const { statusCode, json } = await at.server.inject('/readyz')
  assert.deepEqual([statusCode, json()], [200, { status: 'ready', short }])
})

test("a process that can't work yet lives, but is not ready", async () => {
  const ready = async (): Promise<void> => {
    throw new NarwhalError('unavailable', 'no database')
  }
  await using at = await create({ ready })
  assert.equal((await at.server.inject('/healthz')).statusCode, 200)
  const { statusCode, json } = await at.server.inject('/readyz')
  assert.deepEqual([statusCode, json()], [503, { status: 'waiting', reason: 'no database' }])
})

test('a port that is taken is named, with what to do', async () => {
  await using one = await create()
  const { url } = await listen(one.server, { host: '127.0.0.1', port: 0 })
  const port = Number(new URL(url).port)
  await using other = await create()
  await assert.rejects(listen(other.server, { host: '127.0.0.1', port }), (error) => {
    assert.ok(error instanceof NarwhalError)
    assert.equal(error.code, 'conflict')
    assert.match(error.message, new RegExp(`port ${port} on 127\\.0\\.0\\.1 is taken .* --port`))
    return true
  })
})

test("an address of another machine can't be listened on", async () => {
  await using at = await create()
  await assert.rejects(listen(at.server, { host: '192.0.2.1', port: 0 }), {
    code: 'unavailable',
    message: /^can't listen on 192\.0\.2\.1:0: /,
  })
})

test('an answer is neither guessed nor kept, unless its route says otherwise', async () => {
  await using at = await create()
  at.server.get('/asset', (_request, reply) => reply.header('cache-control', 'max-age=60').send(''))
  const asset = (await at.server.inject('/asset')).headers
  assert.equal(asset['cache-control'], 'max-age=60')
  assert.equal(asset['x-content-type-options'], 'nosniff')
  const { headers } = await at.server.inject('/nowhere')
  assert.equal(headers['cache-control'], 'no-store')
  assert.equal(headers['strict-transport-security'], undefined)
})

test('who came by TLS, here or to a proxy, is told to stay with it', async () => {
  await using at = await create()
  const hsts = async (proto: string): Promise<unknown> => {
    const headers = { 'x-forwarded-proto': proto }
    const answer = await at.server.inject({ url: '/healthz', headers })
    return answer.headers['strict-transport-security']
  }
  assert.equal(await hsts('https, http'), 'max-age=31536000')
  assert.equal(await hsts('http, https'), undefined)
})

async function guarded(opened: readonly Opening[] = []) {
  const at = await create()
  const deps = { opened: new Set(opened), metricsToken: 'm-token', admit: admitNobody }
  guardServer(at.server, deps)
  at.server.get('/api/v1/things', async () => 'things')
  at.server.get('/assets/*', async () => 'script')
  await at.server.ready()
  const status = async (url: string, token?: string): Promise<number> => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    return (await at.server.inject({ url, headers })).statusCode
  }
  return { status, [Symbol.asyncDispose]: () => at.server.close() }
}

test('only open routes answer without a credential, however the URL is written', async () => {
  await using at = await guarded()
  assert.equal(await at.status('/assets/x.js'), 200)
  for (const url of ['/api/v1/things', '/%61pi/v1/things', '/assets/../api/v1/things', '/no']) {
    assert.equal(await at.status(url), 401, url)
  }
})

test('a forge with a wrong URL gets the reason, though it has shown nothing', async () => {
  await using at = await guarded()
  assert.equal(await at.status('/webhooks/nowhere'), 404)
})

test("the metrics' token opens the metrics, and nothing else", async () => {
  await using at = await guarded()
  assert.equal(await at.status('/metrics'), 401)
  assert.equal(await at.status('/metrics', 'another'), 401)
  assert.equal(await at.status('/metrics', 'm-token'), 200)
  assert.equal(await at.status('/api/v1/things', 'm-token'), 401)
})

test('metrics that the operator has opened need no token', async () => {
  await using at = await guarded(['metrics'])
  assert.equal(await at.status('/metrics'), 200)
})
