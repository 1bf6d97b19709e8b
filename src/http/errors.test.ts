import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import { type ErrorCode, NarwhalError } from '../lib/errors.ts'
import { openMetrics } from './metrics.ts'
import { createHttpServer } from './server.ts'

async function serve() {
  const lines: string[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) })
  const ready = async (): Promise<void> => {}
  const server = await createHttpServer({ log, metrics: openMetrics(), ready, version: '1' })
  server.get('/fails/:code', async ({ params }) => {
    const { code } = params as { code: ErrorCode }
    throw new NarwhalError(code, `failed: ${code}`)
  })
  server.get('/broken', async () => {
    throw new Error('password=hunter2')
  })
  server.post('/body', async () => 'ok')
  await server.ready()
  return { server, lines, [Symbol.asyncDispose]: () => server.close() }
}

test('each code has its status, and the message goes with it', async () => {
  await using at = await serve()
  const statuses = {
    invalid: 400,
    unauthenticated: 401,
    forbidden: 403,
    not_found: 404,
    stale: 409,
    gone: 410,
    too_large: 413,
    internal: 500,
    exhausted: 503,
    unavailable: 503,
  }
  for (const [code, status] of Object.entries(statuses)) {
    const answer = await at.server.inject(`/fails/${code}`)
    assert.equal(answer.statusCode, status, code)
    assert.deepEqual(answer.json(), { code, message: `failed: ${code}` })
  }
})

test('an unexpected error is logged, and its message is not shown', async () => {
  await using at = await serve()
  const answer = await at.server.inject('/broken')
  assert.equal(answer.statusCode, 500)
  assert.deepEqual(answer.json(), { code: 'internal', message: 'internal server error' })
  assert.match(at.lines.join(''), /hunter2.*"msg":"request failed"/)
})

test('401 says which scheme is asked for, and 503 when to come back; neither is logged', async () => {
  await using at = await serve()
  const { headers } = await at.server.inject('/fails/unauthenticated')
  assert.equal(headers['www-authenticate'], 'Bearer realm="narwhal"')
  assert.equal((await at.server.inject('/fails/unavailable')).headers['retry-after'], '5')
  assert.deepEqual(at.lines, [])
})

test("Fastify's own errors have the same form", async () => {
  await using at = await serve()
  const post = (payload: string, type = 'application/json') =>
    at.server.inject({ method: 'POST', url: '/body', payload, headers: { 'content-type': type } })
  for (const answer of [await post('{'), await post('x', 'text/x-unknown')]) {
    assert.ok(answer.statusCode === 400 || answer.statusCode === 415, `${answer.statusCode}`)
    assert.equal(answer.json<{ code: string }>().code, 'invalid')
  }
  const missing = await at.server.inject('/nowhere')
  assert.equal(missing.statusCode, 404)
  assert.deepEqual(missing.json(), {
    code: 'not_found',
    message: 'there is nothing at GET /nowhere',
  })
})
