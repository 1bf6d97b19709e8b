import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reachOf } from './scope.ts'

test('a limited token may ask the routes that say how far it reaches, and no others', () => {
  assert.equal(reachOf('GET', '/api/v1/pipelines/:pipeline'), 'pipeline')
  assert.equal(reachOf('HEAD', '/api/v1/pipelines/:pipeline'), 'pipeline')
  assert.equal(reachOf('POST', '/api/v1/approvals'), 'named in the body')
  for (const [method, url] of [
    ['DELETE', '/api/v1/pipelines/:pipeline'],
    ['POST', '/api/v1/jobs/:job/attempts/:attempt/log/redact'],
    ['GET', '/api/v1/runners'],
    // By the url of a route, and not by a path that would lead to it.
    ['GET', '/api/v1/pipelines/pipeline_1'],
    ['GET', ''],
  ] as const) {
    assert.equal(reachOf(method, url), undefined, `${method} ${url}`)
  }
})

test('of all that goes by the beginning of its path, only what is forwarded is left to another', () => {
  for (const method of ['GET', 'HEAD', 'POST', 'DELETE']) {
    assert.equal(reachOf(method, '/api/v1/*'), 'forwarded')
    for (const url of ['*', '/*', '/api/*', '/api/v1*', '/api/v1/pipelines/*', '/webhooks/*']) {
      assert.equal(reachOf(method, url), undefined, `${method} ${url}`)
    }
  }
})
