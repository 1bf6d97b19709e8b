import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isOpenRoute } from './open-routes.ts'

const none = new Set<never>()

test('what is open is what the table says, by method and route', () => {
  for (const [method, url] of [
    ['GET', '/healthz'],
    ['HEAD', '/readyz'],
    ['POST', '/webhooks/github'],
    ['POST', '/webhooks/gitea/:repository'],
    ['GET', '/.well-known/openid-configuration'],
    ['GET', '/ci/.well-known/openid-configuration'],
    ['GET', '/'],
    ['GET', '/assets/*'],
    ['GET', '/repositories/*'],
    ['POST', '/api/v1/session'],
  ] as const) {
    assert.ok(isOpenRoute(method, url, none), `${method} ${url}`)
  }
})

test('nothing else is open, nor what does not exist', () => {
  for (const [method, url] of [
    ['POST', '/healthz'],
    ['GET', '/healthz/more'],
    ['GET', '/metrics'],
    ['GET', '/webhooks/github'],
    ['PUT', '/webhooks/github'],
    ['POST', '/webhooks'],
    ['GET', '/api/v1/session'],
    ['POST', '/api/v1/session/more'],
    ['GET', '/api/v1/pipelines'],
    ['POST', '/'],
    ['GET', '/*'],
    ['GET', undefined],
  ] as const) {
    assert.equal(isOpenRoute(method, url, none), false, `${method} ${url}`)
  }
})

test('metrics are open where the operator opens them, and nothing more with them', () => {
  const opened = new Set(['metrics'] as const)
  assert.ok(isOpenRoute('GET', '/metrics', opened))
  assert.equal(isOpenRoute('GET', '/api/v1/status', opened), false)
})
