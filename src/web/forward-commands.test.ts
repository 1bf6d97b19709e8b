import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { freePort } from '#root/test/support/free-port.ts'
import { openWebStage } from '#root/test/support/web-stage.ts'

async function openDispatcher(
  answer: (request: IncomingMessage, body: string, response: ServerResponse) => void,
) {
  const server = createServer((request, response) => {
    void text(request).then((body) => answer(request, body, response))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

test('hands commands on with method, path, body and token, and their answers back', async () => {
  await using dispatcher = await openDispatcher((request, body, response) => {
    const { method, url, headers } = request
    response.writeHead(202, { 'content-type': 'application/json', 'x-inside': 'stays there' })
    response.end(JSON.stringify({ method, url, body, token: headers.authorization }))
  })
  await using web = await openWebStage({ dispatcherUrls: [dispatcher.url] })
  const path = '/api/v1/pipelines/pipeline_1/cancel?why=not'
  const answer = await fetch(web.url + path, {
    method: 'POST',
    headers: { authorization: 'Bearer abc', 'content-type': 'application/json' },
    body: '{"reason": "no"}',
  })
  assert.equal(answer.status, 202)
  assert.equal(answer.headers.get('x-inside'), null)
  const token = 'Bearer abc'
  assert.deepEqual(await answer.json(), {
    method: 'POST',
    url: path,
    body: '{"reason": "no"}',
    token,
  })
  const removed = await fetch(`${web.url}/api/v1/repositories/acme%2Fapp`, { method: 'DELETE' })
  assert.deepEqual(await removed.json(), {
    method: 'DELETE',
    url: '/api/v1/repositories/acme%2Fapp',
    body: '',
  })
  const queue = (await (await fetch(`${web.url}/api/v1/queue`)).json()) as { url: string }
  assert.equal(queue.url, '/api/v1/queue')
})

test('gives refusals back as they are, and answers reads itself', async () => {
  await using dispatcher = await openDispatcher((_request, _body, response) => {
    response.writeHead(409, { 'content-type': 'application/json' })
    response.end('{"code":"conflict","message":"it has ended"}')
  })
  await using web = await openWebStage({ dispatcherUrls: [dispatcher.url] })
  const answer = await fetch(`${web.url}/api/v1/jobs/job_1/rerun`, { method: 'POST' })
  assert.equal(answer.status, 409)
  assert.deepEqual(await answer.json(), { code: 'conflict', message: 'it has ended' })
  assert.equal((await fetch(`${web.url}/api/v1/status`)).status, 200)
})

test('says in words that the dispatcher is away', async () => {
  await using web = await openWebStage({ dispatcherUrls: [`http://127.0.0.1:${await freePort()}`] })
  const answer = await fetch(`${web.url}/api/v1/jobs/job_1/rerun`, { method: 'POST' })
  assert.equal(answer.status, 503)
  const { message } = (await answer.json()) as { message: string }
  assert.match(message, /the dispatcher at .* does not answer \(.*ECONNREFUSED.*\)/)
})

test('can not be led elsewhere by a path', async () => {
  await using dispatcher = await openDispatcher(({ url }, _body, response) => {
    response.end(url)
  })
  await using web = await openWebStage({ dispatcherUrls: [dispatcher.url] })
  // As it is: fetch() would tidy the path.
  const post = async (path: string) => {
    const asked = request(web.url, { method: 'POST', path }).end()
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    return { status: answer.statusCode, body: await text(answer) }
  }
  assert.equal((await post('/api/v1/../../webhooks')).status, 400)
  assert.equal((await post('//evil.test/api/v1/x')).status, 404)
  assert.equal((await post('/api/v1//evil.test/')).body, '/api/v1//evil.test/')
})
