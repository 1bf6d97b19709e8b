import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { eventually } from '../../test/support/eventually.ts'
import { silentLog } from '../lib/log.ts'
import type { HttpBounds } from './bounds.ts'
import { openMetrics } from './metrics.ts'
import { createHttpServer, listen } from './server.ts'
import { UNTOUCHED_HEADER } from './untouched-header.ts'

/** A server with `/slow`, which answers once the gate is open, `/body`, and a WebSocket at `/live`. */
async function serve(bounds: Partial<HttpBounds>) {
  const metrics = openMetrics()
  const ready = async (): Promise<void> => {}
  const server = await createHttpServer({ log: silentLog(), metrics, ready, version: '1', bounds })
  const gate = Promise.withResolvers<void>()
  const handled: string[] = []
  server.get('/slow', async ({ url }) => {
    handled.push(url)
    await gate.promise
    return 'done'
  })
  server.post('/body', async ({ body }) => ({ length: JSON.stringify(body).length }))
  server.get('/live', { websocket: true }, () => {})
  const { url } = await listen(server, { host: '127.0.0.1', port: 0 })
  const port = Number(new URL(url).port)
  const valueOf = async (name: string): Promise<number> => {
    const line = (await metrics.metrics()).split('\n').find((one) => one.startsWith(`${name} `))
    return Number(line?.split(' ').at(-1) ?? 0)
  }
  const refused = (kind: string) => valueOf(`narwhal_http_rejected_total{kind="${kind}"}`)
  return { port, gate, handled, valueOf, refused, [Symbol.asyncDispose]: () => server.close() }
}

interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly text: string
}

/** A request on a connection of its own, which says no length of its body unless it is given. */
async function ask(port: number, path: string, body?: string, length?: number): Promise<Answer> {
  const method = body === undefined ? 'GET' : 'POST'
  const headers = {
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(length === undefined ? {} : { 'content-length': length }),
  }
  const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false })
  if (body !== undefined) sent.write(body)
  sent.end()
  const [answer] = (await once(sent, 'response')) as [IncomingMessage]
  const text = (await answer.toArray()).join('')
  return { status: answer.statusCode ?? 0, headers: answer.headers, text }
}

async function open(port: number, text = 'G', localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  socket.on('error', () => {})
  socket.resume()
  await once(socket, 'connect')
  socket.write(text)
  return socket
}

test('a connection is refused where all others are being answered, and is counted', async () => {
  await using at = await serve({ connections: 2 })
  const answers = [ask(at.port, '/slow'), ask(at.port, '/slow')]
  await eventually(async () => assert.equal(await at.valueOf('narwhal_http_requests'), 2))
  const refused = await open(at.port)
  if (!refused.closed) await once(refused, 'close')
  assert.equal(await at.refused('connection'), 1)
  at.gate.resolve()
  for (const { status } of await Promise.all(answers)) assert.equal(status, 200)
  await eventually(async () => assert.equal(await at.valueOf('narwhal_http_connections'), 0))
  assert.equal(await at.valueOf('narwhal_http_requests'), 0)
})

test('an address at its limit makes room among its own connections only', async () => {
  await using at = await serve({ connectionsOfAddress: 2 })
  const other = await open(at.port, 'G', '127.0.0.2')
  const first = await open(at.port)
  const second = await open(at.port)
  const third = await open(at.port)
  if (!first.closed) await once(first, 'close')
  const states = [other, second, third].map(({ readyState }) => readyState)
  assert.deepEqual(states, ['open', 'open', 'open'])
  assert.equal(await at.refused('connection'), 1)
  assert.equal(await at.valueOf('narwhal_http_connections'), 3)
  for (const socket of [other, second, third]) socket.destroy()
})

test('a WebSocket never makes room', async () => {
  await using at = await serve({ connections: 1 })
  const head = 'GET /live HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n'
  const key = 'sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'
  const live = await open(at.port, head + key)
  const [answer] = (await once(live, 'data')) as [Buffer]
  assert.match(answer.toString(), /^HTTP\/1\.1 101 /)
  const refused = await open(at.port)
  if (!refused.closed) await once(refused, 'close')
  assert.equal(live.readyState, 'open')
  live.destroy()
})

test('a request beyond the limit is refused unhandled, and says so; health checks are answered', async () => {
  await using at = await serve({ requests: 1 })
  const first = ask(at.port, '/slow')
  await eventually(() => at.handled.length === 1)
  const { status, headers, text } = await ask(at.port, '/slow')
  assert.equal(status, 503)
  assert.deepEqual([headers['retry-after'], headers[UNTOUCHED_HEADER]], ['5', '1'])
  assert.match(text, /"unavailable".*1 are in flight; try again later/)
  assert.equal((await ask(at.port, '/readyz')).status, 200)
  assert.deepEqual([at.handled.length, await at.refused('request')], [1, 1])
  at.gate.resolve()
  assert.equal((await first).status, 200)
})

test('a request whose body is still coming is not in flight yet', async () => {
  await using at = await serve({ requests: 1 })
  const head = 'POST /body HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n'
  const sender = await open(at.port, `${head}content-length: 2\r\n\r\n{`)
  at.gate.resolve()
  assert.equal((await ask(at.port, '/slow')).status, 200)
  sender.write('}')
  const [answer] = (await once(sender, 'data')) as [Buffer]
  assert.match(answer.toString(), /^HTTP\/1\.1 200 /)
  sender.destroy()
})

test('bodies of unknown length share a limit, and give it back', async () => {
  await using at = await serve({ bodyBytesInAll: 100 })
  const long = JSON.stringify('x'.repeat(200))
  const { status, text } = await ask(at.port, '/body', long)
  assert.deepEqual([status, await at.refused('body')], [503, 1])
  assert.match(text, /too many large requests: try again later/)
  const short = JSON.stringify('x'.repeat(60))
  for (let n = 0; n < 3; n++) {
    await eventually(async () => assert.equal((await ask(at.port, '/body', short)).status, 200))
  }
})

test('a small body whose length is known is not counted', async () => {
  await using at = await serve({ bodyBytesInAll: 100 })
  const body = JSON.stringify('x'.repeat(200))
  assert.equal((await ask(at.port, '/body', body, body.length)).status, 200)
  assert.equal(await at.refused('body'), 0)
})

test('a body above its own limit is refused as too large', async () => {
  await using at = await serve({ bodyBytes: 100 })
  const body = JSON.stringify('x'.repeat(200))
  const { status, text } = await ask(at.port, '/body', body, body.length)
  assert.equal(status, 413)
  assert.match(text, /"too_large"/)
})
