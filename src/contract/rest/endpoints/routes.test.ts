import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ENDPOINTS } from './endpoints.ts'
import { pathTo, ROUTES, type Route, urlOf } from './routes.ts'

const routes: readonly Route[] = Object.values<Route>(ROUTES)

test('no method and path is there twice, also where parameters have other names', () => {
  const shapes = routes.map(({ method, path }) => `${method} ${path.replaceAll(/:\w+/g, ':')}`)
  assert.deepEqual(
    shapes.filter((shape, index) => shapes.indexOf(shape) !== index),
    [],
  )
})

test('every parameter of a path is one of its schema, and the other way round', () => {
  for (const { path, ...endpoint } of Object.values(ENDPOINTS)) {
    const named = [...path.matchAll(/:(\w+)/g)].map(([, name]) => name)
    const shape = 'params' in endpoint ? Object.keys(endpoint.params.shape) : []
    assert.deepEqual(new Set(shape), new Set(named), path)
  }
})

test('a limited token is asked by a parameter only where the path has it', () => {
  for (const { path, reach } of routes) {
    if (!['repository', 'pipeline', 'job'].includes(reach ?? '')) continue
    assert.ok(path.includes(`/:${reach}`), path)
  }
})

test('only what changes something has a body', () => {
  for (const endpoint of Object.values(ENDPOINTS)) {
    if (endpoint.method === 'GET') assert.ok(!('body' in endpoint), endpoint.path)
  }
})

test('a path to something has it in its place, escaped, and what is asked behind it', () => {
  assert.equal(urlOf(ROUTES.getPipeline), '/api/v1/pipelines/:pipeline')
  const params = { repository: 'ada/shop & more', secret: '../KEY' }
  assert.equal(
    pathTo(ROUTES.setSecretOf, { params }),
    '/api/v1/repositories/ada%2Fshop%20%26%20more/secrets/..%2FKEY',
  )
  assert.equal(
    pathTo(ROUTES.listPipelines, { query: { text: 'a&b', before: undefined, limit: 0 } }),
    '/api/v1/pipelines?text=a%26b&limit=0',
  )
  assert.equal(pathTo(ROUTES.status), '/api/v1/status')
})
