import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { call, linkTo } from './api.ts'

/** A server as the page has it: paths without an origin go there. */
async function serve(t: TestContext, listener: RequestListener): Promise<void> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => server.close())
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { fetch } = globalThis
  t.mock.method(globalThis, 'fetch', (path: string, init: RequestInit) => {
    return fetch(new URL(path, origin), init)
  })
}

/** Breaks off in the middle of the body, so often. */
function brokenOff(times: number): { listener: RequestListener; asked: () => number } {
  let asked = 0
  const listener: RequestListener = (_request, response) => {
    asked++
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': 15 })
    if (asked > times) response.end('{"yaml":"jobs"}')
    else response.write('{"yaml":', () => response.destroy())
  }
  return { listener, asked: () => asked }
}

test('what breaks off in the middle of an answer is read once more', async (t) => {
  const { listener, asked } = brokenOff(1)
  await serve(t, listener)
  assert.deepEqual(await call('getUsedConfig', { params: { pipeline: 'pipeline_1' } }), {
    yaml: 'jobs',
  })
  assert.equal(asked(), 2)
})

test('what breaks off again can not be reached', async (t) => {
  await serve(t, brokenOff(2).listener)
  await assert.rejects(call('getUsedConfig', { params: { pipeline: 'pipeline_1' } }), {
    name: 'ApiError',
    status: 0,
  })
})

test('a command whose answer breaks off is not sent again', async (t) => {
  const { listener, asked } = brokenOff(1)
  await serve(t, listener)
  await assert.rejects(call('startPipeline', { body: { repository: 'acme/shop' } }), {
    name: 'ApiError',
    status: 0,
  })
  assert.equal(asked(), 1)
})

test('a page in place of an answer is an error that says so', async (t) => {
  await serve(t, (_request, response) => response.end('<h1>Welcome to the hotel</h1>'))
  await assert.rejects(call('listPipelines', {}), { name: 'ApiError', message: /not from Narwhal/ })
})

test('an answer without a body is one', async (t) => {
  await serve(t, (_request, response) => response.writeHead(204).end())
  assert.equal(await call('removeToken', { params: { token: 'token_1' } }), undefined)
})

test('what is asked goes out as the table of endpoints says', async (t) => {
  const asked: string[] = []
  await serve(t, (request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      const { 'content-type': type = 'none' } = request.headers
      asked.push(`${request.method} ${request.url} ${type} ${body}`)
      response.end('{}')
    })
  })
  await call('listPipelines', { query: { status: 'running', limit: 20, before: undefined } })
  await call('rerunPipeline', { params: { pipeline: 'pipeline_1' } })
  const params = { repository: 'acme/shop', secret: 'KEY' }
  await call('setSecretOf', { params, body: { value: 'x' } })
  assert.deepEqual(asked, [
    'GET /api/v1/pipelines?status=running&limit=20 none ',
    'POST /api/v1/pipelines/pipeline_1/rerun none ',
    'PUT /api/v1/repositories/acme%2Fshop/secrets/KEY application/json {"value":"x"}',
  ])
  const log = { job: 'job_1', attempt: 2 } as const
  assert.equal(
    linkTo('readLogText', { params: log, query: { download: true } }),
    '/api/v1/jobs/job_1/attempts/2/log.txt?download=true',
  )
})
