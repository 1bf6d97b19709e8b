import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmod, copyFile, readFile, writeFile } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { createClient } from '@connectrpc/connect'
import { ApiClient } from '../src/client/client.ts'
import { LiveClient } from '../src/client/live-client.ts'
import { RunnerService } from '../src/contract/gen/narwhal/v1/runner_pb.js'
import { dialConnector } from '../src/dispatcher/runners/dial-connector.ts'
import { openMetrics } from '../src/http/metrics.ts'
import { createHttpServer, listen } from '../src/http/server.ts'
import { silentLog } from '../src/lib/log.ts'
import { describeConnectError } from '../src/lib/tls/connect-errors.ts'
import { tlsFetch } from '../src/lib/tls/tls-fetch.ts'
import {
  type ClientTls,
  type ServerTls,
  TlsFiles,
  type TlsPaths,
} from '../src/lib/tls/tls-files.ts'
import { serveRunner } from '../src/runner/link/serve.ts'
import { type Authority, makeAuthority, type Pair } from './support/certificates.ts'
import { eventually } from './support/eventually.ts'
import { freePort } from './support/free-port.ts'
import { runNarwhal } from './support/narwhal-process.ts'
import { recordedLog } from './support/recorded-log.ts'
import { startTestRunner } from './support/test-runner.ts'
import { RUNNER_TOKEN } from './support/tokens.ts'
import { openWebStage } from './support/web-stage.ts'

let ours: Authority
let others: Authority
let server: Pair
let client: Pair
let stranger: Pair
let expired: Pair
let elsewhere: Pair

before(async () => {
  ours = await makeAuthority('ours')
  others = await makeAuthority('others')
  server = await ours.sign('server')
  client = await ours.sign('client')
  expired = await ours.sign('expired', { days: -1 })
  elsewhere = await ours.sign('elsewhere', { names: 'DNS:elsewhere.test' })
  stranger = await others.sign('stranger')
})

after(async () => {
  await ours?.[Symbol.asyncDispose]()
  await others?.[Symbol.asyncDispose]()
})

function clientTls(paths: TlsPaths): ClientTls {
  const files = TlsFiles.open(paths, silentLog())
  files[Symbol.dispose]()
  return files.client
}

function serverTls(paths: TlsPaths): ServerTls {
  const files = TlsFiles.open(paths, silentLog())
  files[Symbol.dispose]()
  assert.ok(files.server)
  return files.server
}

const never = new AbortController().signal

/** A server of Narwhal with TLS, and what it tells its operators. */
async function openServer(paths: TlsPaths, checkMs?: number) {
  await using stack = new AsyncDisposableStack()
  const { log, lines } = recordedLog()
  const files = stack.use(TlsFiles.open(paths, log, checkMs ? { checkMs } : {}))
  const http = await createHttpServer({
    log: silentLog(),
    metrics: openMetrics(),
    ready: async () => {},
    version: '1.2.3',
    tls: files.server,
  })
  stack.defer(() => http.close())
  const { url } = await listen(http, { host: '127.0.0.1', port: 0 })
  const owned = stack.move()
  return { url, files, lines, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const get = async (url: string, tls: ClientTls | undefined, path = '/healthz'): Promise<string> => {
  const options = { method: 'GET', headers: {}, signal: AbortSignal.timeout(10_000) }
  const answer = await tlsFetch(new URL(path, url), options, tls)
  return await answer.text()
}

const words = (asked: Promise<unknown>): Promise<string> =>
  asked.then(() => 'it was answered', describeConnectError)

test('health, metrics and refusals are there over TLS, from 1.2 on', async () => {
  await using at = await openServer(server)
  const tls = clientTls({ ca: ours.ca })
  assert.match(at.url, /^https:/)
  assert.match(await get(at.url, tls), /"ok"/)
  assert.match(await get(at.url, tls, '/readyz'), /"ready"/)
  assert.match(await get(at.url, tls, '/metrics'), /process_cpu/)
  assert.match(await get(at.url, tls, '/nothing'), /there is nothing at GET/)
  const old = { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' } as const
  const ciphers = 'DEFAULT:@SECLEVEL=0'
  const session = connectHttp2(at.url, { ...old, ciphers, ca: await readFile(ours.ca) })
  const [error] = (await once(session, 'error')) as [Error]
  assert.match(describeConnectError(error), /it supports no TLS version that is supported here/)
})

test('a server whose certificate is not right is refused, in words that tell why', async () => {
  const tls = clientTls({ ca: ours.ca })
  await using right = await openServer(server)
  assert.match(await words(get(right.url, undefined)), /an authority that is not trusted here/)
  const foreign = clientTls({ ca: others.ca })
  assert.match(await words(get(right.url, foreign)), /an authority that is not trusted here/)
  await using late = await openServer(expired)
  assert.match(await words(get(late.url, tls)), /its certificate has expired/)
  assert.ok(late.lines.some((line) => line.includes('TLS certificate expired')))
  await using other = await openServer(elsewhere)
  assert.match(await words(get(other.url, tls)), /its certificate is for other names/)
})

test('plain HTTP at a TLS port, and TLS at a plain one, are told apart', async () => {
  await using secure = await openServer(server)
  await assert.rejects(get(secure.url.replace('https:', 'http:'), undefined))
  await using web = await openWebStage()
  const url = web.url.replace('http:', 'https:')
  assert.match(await words(get(url, clientTls({ ca: ours.ca }))), /it does not speak TLS/)
})

test('with a client CA, only who shows a certificate of it is served', async () => {
  await using at = await openServer({ ...server, clientCa: ours.ca })
  const { ca } = ours
  assert.match(await get(at.url, clientTls({ ca, ...client })), /"ok"/)
  const none = await words(get(at.url, clientTls({ ca })))
  assert.match(none, /it requires a client certificate/)
  await assert.rejects(get(at.url, clientTls({ ca, ...stranger })))
  await assert.rejects(get(at.url, clientTls({ ca, ...expired })))
  await eventually(() =>
    at.lines.some((line) => line.includes('connection refused: TLS handshake failed')),
  )
})

test('the command line trusts the CA that it is told, by REST and by the websocket', async () => {
  await using at = await openWebStage({ serverTls: serverTls({ ...server, clientCa: ours.ca }) })
  const address = { server: at.url, tls: clientTls({ ca: ours.ca, ...client }) }
  assert.deepEqual(await new ApiClient(address, never).listRepositories(), [])
  {
    await using live = new LiveClient(address, { signal: never })
    const reset = Promise.withResolvers<void>()
    live.subscribe({ kind: 'runners' }, 1_000_000, { onEvent() {}, onReset: reset.resolve })
    await Promise.race([reset.promise, live.failed])
  }
  const wrong = { server: at.url, tls: clientTls({ ca: others.ca, ...client }) }
  await assert.rejects(new ApiClient(wrong, never).listRepositories(), {
    code: 'unavailable',
    message: /not trusted here.*--ca or NARWHAL_CA/,
  })
  await using live = new LiveClient(wrong, { signal: never, patienceMs: 1 })
  await assert.rejects(live.failed, { code: 'unavailable', message: /not trusted here/ })
})

test('the commands take --ca, --cert and --key, or their variables', async () => {
  await using at = await openWebStage({ serverTls: serverTls({ ...server, clientCa: ours.ca }) })
  const flags = ['--ca', ours.ca, '--cert', client.cert, '--key', client.key]
  const right = await runNarwhal(['repo', 'list', '--server', at.url, ...flags])
  assert.equal(right.code, 0, right.said)
  const env = { NARWHAL_CA: ours.ca, NARWHAL_CERT: client.cert, NARWHAL_KEY: client.key }
  const same = await runNarwhal(['repo', 'list', '--server', at.url], env)
  assert.equal(same.code, 0, same.said)
  const none = await runNarwhal(['repo', 'list', '--server', at.url, '--ca', ours.ca])
  assert.match(none.said, /it requires a client certificate/)
  const wrong = await runNarwhal(['repo', 'list', '--server', at.url, '--ca', client.key])
  assert.match(wrong.said, /--ca: .* contains no PEM certificate/)
})

test('a dialled runner speaks gRPC by TLS, and with a client CA to dispatchers only', async () => {
  await using one = await startTestRunner()
  const listening = { host: '127.0.0.1', port: 0, log: silentLog(), token: RUNNER_TOKEN }
  const tls = serverTls({ ...server, clientCa: ours.ca })
  await using served = await serveRunner(one.runner, { ...listening, tls })
  assert.match(served.url, /^https:/)
  const describe = async (paths: TlsPaths | undefined, url = served.url): Promise<string> => {
    const own = paths && clientTls(paths)
    await using link = dialConnector({
      url,
      token: RUNNER_TOKEN,
      balanced: true,
      tls: own,
    }).connect()
    const runner = createClient(RunnerService, link.transport)
    return (await runner.describe({}, { timeoutMs: 10_000 })).name
  }
  const { ca } = ours
  assert.equal(await describe({ ca, ...client }), 'test')
  for (const paths of [undefined, { ca }, { ca, ...stranger }, { ca: others.ca, ...client }]) {
    await assert.rejects(describe(paths))
  }
  await assert.rejects(describe({ ca, ...expired }))
  await assert.rejects(describe({ ca, ...client }, served.url.replace('https:', 'http:')))
})

async function openDispatcher(paths: Pair & TlsPaths): Promise<{ url: string } & AsyncDisposable> {
  const { options } = serverTls(paths)
  const https: Server = createServer(options, (request, response) => {
    response.end(`${request.method} ${request.url}`)
  })
  https.listen(0, '127.0.0.1')
  await once(https, 'listening')
  return {
    url: `https://127.0.0.1:${(https.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      https.closeAllConnections()
      https.close()
      await once(https, 'close')
    },
  }
}

test('web hands commands on by mutual TLS, past dispatchers that it does not trust', async () => {
  await using bad = await openDispatcher(stranger)
  await using good = await openDispatcher({ ...server, clientCa: ours.ca })
  const away = `https://127.0.0.1:${await freePort()}`
  const dispatcherUrls = [away, bad.url, good.url]
  const tls = clientTls({ ca: ours.ca, ...client })
  await using web = await openWebStage({ dispatcherUrls, tls })
  const answer = await fetch(`${web.url}/api/v1/jobs/job_1/rerun`, { method: 'POST' })
  assert.equal(await answer.text(), 'POST /api/v1/jobs/job_1/rerun')
  await using bare = await openWebStage({
    dispatcherUrls: [good.url],
    tls: clientTls({ ca: ours.ca }),
  })
  const refused = await fetch(`${bare.url}/api/v1/jobs/job_1/rerun`, { method: 'POST' })
  assert.equal(refused.status, 503)
  assert.match(await refused.text(), /it requires a client certificate/)
})

test('new files are taken without a restart, and half-written ones are not', async () => {
  await using place = await makeAuthority('place')
  const cert = `${place.folder}/live.pem`
  const key = `${place.folder}/live.key`
  const ca = `${place.folder}/trusted.pem`
  const put = async (pair: Pair): Promise<void> => {
    await copyFile(pair.key, key)
    await copyFile(pair.cert, cert)
  }
  await put(server)
  await copyFile(ours.ca, ca)
  await using at = await openServer({ cert, key, clientCa: ca }, 20)
  const { log } = recordedLog()
  using mine = TlsFiles.open({ cert, key, ca }, log, { checkMs: 20 })
  // An idle connection of it would still have the former certificate.
  const ask = (): Promise<string> => get(at.url, { ...mine.client, agent: mine.client.agent })
  assert.match(await ask(), /"ok"/)

  // So a file is for a moment that is being written anew.
  for (const file of [ca, key]) {
    await writeFile(file, '')
    const refusal = `${file} contains no`
    await eventually(() => at.lines.some((line) => line.includes(refusal)))
    await assert.rejects(get(at.url, clientTls({ ca: ours.ca })))
    await copyFile(file === ca ? ours.ca : server.key, file)
  }
  await writeFile(key, 'half of a ke')
  await eventually(() =>
    at.lines.some((line) =>
      line.includes('keeping the previous TLS files: the new ones are invalid'),
    ),
  )
  assert.match(await ask(), /"ok"/)

  await put(stranger)
  await copyFile(others.ca, ca)
  const trusting = clientTls({ ca: others.ca, ...stranger })
  await eventually(async () => /"ok"/.test(await get(at.url, trusting).catch(() => '')))
  await eventually(async () => /"ok"/.test(await ask().catch(() => '')))
  await assert.rejects(get(at.url, clientTls({ ca: ours.ca, ...client })))
})

test('files that can not be used are refused at the start, in words that say which', async () => {
  await using place = await makeAuthority('place')
  const junk = `${place.folder}/junk`
  await writeFile(junk, 'no PEM')
  const cases: [TlsPaths, RegExp][] = [
    [{ cert: server.cert }, /--tls-cert needs its key: set --tls-key/],
    [{ key: server.key }, /--tls-key needs its certificate/],
    [{ clientCa: ours.ca }, /--tls-client-ca requires TLS: set --tls-cert and --tls-key as well/],
    [{ ...server, cert: '/nothing' }, /--tls-cert: \/nothing can't be read: ENOENT/],
    [{ ...server, cert: junk }, /--tls-cert: .*junk contains no PEM certificate/],
    [{ ...server, key: junk }, /--tls-key: .*junk contains no PEM private key/],
    [{ ...server, key: client.key }, /the key .*client.key does not match the certificate/],
    [{ ...server, clientCa: server.key }, /--tls-client-ca: .* contains no PEM certificate/],
    [{ ca: junk }, /--tls-ca: .*junk contains no PEM certificate/],
  ]
  for (const [paths, message] of cases) {
    assert.throws(() => TlsFiles.open(paths, silentLog()), { code: 'invalid', message })
  }
  const { log, lines } = recordedLog()
  const open = await place.sign('open')
  await chmod(open.key, 0o644)
  TlsFiles.open(open, log)[Symbol.dispose]()
  assert.ok(lines.some((line) => line.includes('TLS key is readable by others')))
})
