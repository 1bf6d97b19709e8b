import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { guardApi } from '../../src/api/auth/auth.ts'
import { createToken, hashToken } from '../../src/api/auth/tokens.ts'
import { addTokenRoutes } from '../../src/dispatcher/routes/token-routes.ts'
import { openMetrics } from '../../src/http/metrics.ts'
import { createHttpServer, listen } from '../../src/http/server.ts'
import { silentLog } from '../../src/lib/log.ts'
import { freePort } from '../support/free-port.ts'
import { bearer } from '../support/tokens.ts'
import { openWebStage } from '../support/web-stage.ts'

/** A web process in front of a dispatcher, each with its own server; they share a store. */
async function openApart() {
  await using stack = new AsyncDisposableStack()
  const port = await freePort()
  const dispatcherUrl = `http://127.0.0.1:${port}`
  const web = stack.use(
    await openWebStage({
      dispatcherUrls: [dispatcherUrl],
      prepare: (server, stage) => guardApi(server, stage.store, { loopbackOnly: true }),
    }),
  )
  const { store } = web.stage
  const server = await createHttpServer({
    log: silentLog(),
    metrics: openMetrics(),
    ready: () => store.ping(),
    version: 'test',
  })
  guardApi(server, store, { loopbackOnly: true })
  addTokenRoutes(server, store)
  stack.defer(() => server.close())
  await listen(server, { host: '127.0.0.1', port })
  const token = createToken()
  await store.transact(async (write) => {
    await write.users.insert({ id: 'user_1', name: 'ada', role: 'admin', createdAt: 1 })
    const name = 'test'
    const hash = hashToken(token)
    await write.tokens.insert({ id: 'token_1', userId: 'user_1', name, hash, createdAt: 1 })
  })
  /** Makes a token from this address, and returns the address in the audit log. */
  async function makeToken(url: string, from: string, headers = {}): Promise<string> {
    const asked = request(`${url}/api/v1/tokens`, {
      method: 'POST',
      localAddress: from,
      agent: false,
      headers: { ...bearer(token), 'content-type': 'application/json', ...headers },
    }).end(JSON.stringify({ name: 'made' }))
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    assert.equal(answer.statusCode, 201, await text(answer))
    const { entries } = await store.audit.list({ action: 'token.created', limit: 1 })
    return entries[0]?.address ?? ''
  }
  const owned = stack.move()
  return {
    makeToken,
    web: web.url,
    dispatcher: dispatcherUrl,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

test('AUD-40: the audit log has the address of the web process’s client, and no forged one', async () => {
  await using apart = await openApart()
  const { makeToken, web, dispatcher } = apart
  assert.equal(await makeToken(web, '127.0.0.7'), '127.0.0.7')
  assert.equal(await makeToken(dispatcher, '127.0.0.8'), '127.0.0.8')
  const faked = {
    'narwhal-forwarder': createToken('forwarder'),
    'narwhal-forwarded-for': '192.0.2.1',
    'x-forwarded-for': '192.0.2.1',
    forwarded: 'for=192.0.2.1',
  }
  assert.equal(await makeToken(dispatcher, '127.0.0.9', faked), '127.0.0.9')
  assert.equal(await makeToken(web, '127.0.0.9', faked), '127.0.0.9')
})
