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
  assert.match(message, /the dispatcher at .* does not respond \(.*ECONNREFUSED.*\)/)
})

test('goes on to the next dispatcher when one is away or has surely done nothing', async () => {
  const asked: string[] = []
  const refuse = (headers: Record<string, string>, words: string) =>
    openDispatcher((_request, _body, response) => {
      asked.push(words)
      response.writeHead(503, { 'content-type': 'application/json', ...headers })
      response.end(words)
    })
  await using full = await refuse({ 'narwhal-untouched': '1' }, '{"code":"unavailable"}')
  await using closing = await refuse({}, '{"error":"Service Unavailable","statusCode":503}')
  await using balancer = await refuse({}, '<html>503</html>')
  await using good = await openDispatcher((request, body, response) => {
    response.end(`${request.method} ${body}`)
  })
  const away = `http://127.0.0.1:${await freePort()}`
  const dispatcherUrls = [away, full.url, closing.url, balancer.url, good.url]
  await using web = await openWebStage({ dispatcherUrls })
  const post = { method: 'POST', body: 'all of it' }
  const answer = await fetch(`${web.url}/api/v1/jobs/job_1/rerun`, post)
  assert.equal(await answer.text(), 'POST all of it')
  assert.equal(asked.length, 3)
  await using none = await openWebStage({ dispatcherUrls: [balancer.url, away] })
  const refused = await fetch(`${none.url}/api/v1/jobs/job_1/rerun`, post)
  assert.deepEqual([refused.status, await refused.text()], [503, '<html>503</html>'])
})

test('does not repeat a command that may have reached a dispatcher, but repeats a read', async () => {
  let cut = 0
  await using cutting = await openDispatcher((request) => {
    cut++
    request.socket.destroy()
  })
  await using unsure = await openDispatcher((_request, _body, response) => {
    response.writeHead(503).end('{"code":"unavailable","message":"the database is away"}')
  })
  let done = 0
  await using good = await openDispatcher((_request, _body, response) => {
    done++
    response.end('done')
  })
  await using web = await openWebStage({ dispatcherUrls: [cutting.url, good.url] })
  const command = await fetch(`${web.url}/api/v1/jobs/job_1/rerun`, { method: 'POST' })
  assert.equal(command.status, 503)
  assert.match(await command.text(), /it may have done this or not: check, and try again/)
  assert.deepEqual([cut, done], [1, 0])
  assert.equal(await (await fetch(`${web.url}/api/v1/queue`)).text(), 'done')
  assert.equal(done, 1)

  await using other = await openWebStage({ dispatcherUrls: [unsure.url, good.url] })
  const same = await fetch(`${other.url}/api/v1/jobs/job_1/rerun`, { method: 'POST' })
  assert.match(await same.text(), /the database is away/)
  assert.equal(done, 1)
  assert.equal(await (await fetch(`${other.url}/api/v1/queue`)).text(), 'done')
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
