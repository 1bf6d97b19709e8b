import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { deleteJson, getJson, postJson } from './api.ts'

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
  assert.deepEqual(await getJson('/pipelines/1/config'), { yaml: 'jobs' })
  assert.equal(asked(), 2)
})

test('what breaks off again can not be reached', async (t) => {
  await serve(t, brokenOff(2).listener)
  await assert.rejects(getJson('/pipelines/1/config'), { name: 'ApiError', status: 0 })
})

test('a command whose answer breaks off is not sent again', async (t) => {
  const { listener, asked } = brokenOff(1)
  await serve(t, listener)
  await assert.rejects(postJson('/pipelines'), { name: 'ApiError', status: 0 })
  assert.equal(asked(), 1)
})

test('a page in place of an answer is an error that says so', async (t) => {
  await serve(t, (_request, response) => response.end('<h1>Welcome to the hotel</h1>'))
  await assert.rejects(getJson('/pipelines'), { name: 'ApiError', message: /not Narwhal/ })
})

test('an answer without a body is one', async (t) => {
  await serve(t, (_request, response) => response.writeHead(204).end())
  assert.equal(await deleteJson('/tokens/1'), undefined)
})
