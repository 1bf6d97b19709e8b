import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, test } from 'node:test'
import { WebSocket } from 'ws'
import {
  ATTACH_PATH,
  ATTACHED_HEADER,
  DISPATCHER_HEADER,
  MOST_MESSAGE_BYTES,
} from '../src/contract/rpc/attach.ts'
import { fromConnectError } from '../src/contract/rpc/rpc.ts'
import type { RunnerId } from '../src/core/ids.ts'
import { PushStream } from '../src/lib/async/push-stream.ts'
import { silentLog } from '../src/lib/log.ts'
import {
  type ClientTls,
  type ServerTls,
  TlsFiles,
  type TlsPaths,
} from '../src/lib/tls/tls-files.ts'
import { dialDispatcher } from '../src/runner/attach/dial-dispatcher.ts'
import { type AttachHost, addIdentity, openAttachHost } from './support/attach-host.ts'
import { type AttachedSide, attachRawRunner, attachTestRunner } from './support/attached.ts'
import { type RunnerClient, runnerClient } from './support/attempt-client.ts'
import { skipBalancer, startBalancer } from './support/balancer.ts'
import { makeAuthority, type Pair } from './support/certificates.ts'
import { eventually } from './support/eventually.ts'
import { tcpProxy } from './support/tcp-proxy.ts'
import { startTestRunner } from './support/test-runner.ts'
import { openTestStore } from './support/test-store.ts'

const QUICK = { pingMs: 50, silenceMs: 400 }

const clientOf = (host: AttachHost, id: RunnerId): Promise<RunnerClient> =>
  eventually(() => {
    const connector = host.connectors.get(id)
    return connector ? runnerClient(connector.connect().transport) : null
  })

const idsOf = ({ attachments }: AttachedSide): string[] =>
  attachments.live.map(({ dispatcherId }) => dispatcherId).sort()

describe('the link of a runner that attaches itself', { concurrency: 4 }, () => {
  test('answers calls over the socket that it has opened', async () => {
    await using store = await openTestStore()
    await using host = await openAttachHost(store)
    await using served = await startTestRunner({ labels: ['gpu'] })
    const { record, identity } = await addIdentity(store)
    await using _side = attachTestRunner(served.runner, { urls: [host.url], identity })
    const about = await (await clientOf(host, record.id)).describe({})
    assert.deepEqual(about.labels, ['gpu'])
  })

  test('holds back what the dispatcher does not read yet, and loses none of it', async () => {
    await using store = await openTestStore()
    await using host = await openAttachHost(store)
    const { record, identity } = await addIdentity(store)
    const content = Buffer.alloc(64 * 1024, 'x')
    const total = 1000
    let made = 0
    using _raw = await attachRawRunner(host.url, identity, {
      runAttempt: async function* () {
        while (made < total) {
          const seq = BigInt(++made)
          yield { seq, event: { case: 'log', value: { step: 0, content } } }
        }
      },
    })
    const client = await clientOf(host, record.id)
    const requests = new PushStream<never>()
    const messages = client.runAttempt(requests)[Symbol.asyncIterator]()
    await messages.next()
    let before = -1
    await eventually(() => {
      const isQuiet = made === before
      before = made
      return isQuiet
    })
    assert.ok(made < 200, `${made} messages of 64 KiB were made, and one was read`)
    for (let seq = 2n; seq <= total; seq++) {
      const { value } = await messages.next()
      assert.equal(value?.seq, seq)
    }
    assert.equal((await messages.next()).done, true)
  })

  test('is the newest socket; calls over the former one fail as unavailable', async () => {
    await using store = await openTestStore()
    await using host = await openAttachHost(store)
    const { record, identity } = await addIdentity(store)
    const waiting = async function* () {
      yield { instanceId: 'former' }
      await new Promise(() => {})
    }
    using former = await attachRawRunner(host.url, identity, { watchLoad: waiting })
    const load = (await clientOf(host, record.id)).watchLoad({})[Symbol.asyncIterator]()
    await load.next()
    const broken = load.next()
    broken.catch(() => {})
    using _newer = await attachRawRunner(host.url, identity, { drain: () => ({}) })
    await former.closed
    await assert.rejects(broken, (error) => fromConnectError(error).code === 'unavailable')
    await (await clientOf(host, record.id)).drain({})
  })

  test('is dialled anew when it breaks, and when the other side only falls silent', async () => {
    await using store = await openTestStore()
    await using host = await openAttachHost(store, { heartbeat: QUICK, tellsUrl: false })
    await using proxy = await tcpProxy({ port: Number(new URL(host.url).port) })
    const url = proxy.through(host.url).replace(/\/$/, '')
    await using served = await startTestRunner()
    const { record, identity } = await addIdentity(store)
    const options = { urls: [url], identity, heartbeat: QUICK }
    await using side = attachTestRunner(served.runner, options)
    await (await clientOf(host, record.id)).describe({})
    for (const trouble of [() => host.cut(), () => proxy.cut(), () => proxy.stall()]) {
      const [former] = side.attachments.live
      assert.ok(former)
      trouble()
      await former.closed
      proxy.accept()
      await eventually(async () => {
        assert.ok(side.attachments.live[0])
        await (await clientOf(host, record.id)).describe({})
      })
    }
  })

  test('is open by mutual TLS to those who trust each other, and to nobody else', async () => {
    await using ours = await makeAuthority('ours')
    await using others = await makeAuthority('others')
    const server = await ours.sign('server')
    const client = await ours.sign('client')
    const stranger = await others.sign('stranger')
    await using store = await openTestStore()
    await using host = await openAttachHost(store, { tls: serverTls(server, ours.ca) })
    assert.match(host.url, /^https:/)
    await using served = await startTestRunner()
    const { record, identity } = await addIdentity(store)
    const dial = (tls: ClientTls | undefined) =>
      dialDispatcher({ url: host.url, identity, attached: [], tls, signal: never })
    const refused = [{ ca: ours.ca }, { ca: ours.ca, ...stranger }, { ca: others.ca, ...client }]
    await assert.rejects(dial(undefined), { code: 'unavailable' })
    for (const paths of refused) {
      await assert.rejects(dial(clientTls(paths)), { code: 'unavailable' })
    }
    const tls = clientTls({ ca: ours.ca, ...client })
    await using _side = attachTestRunner(served.runner, { urls: [host.url], identity, tls })
    await (await clientOf(host, record.id)).describe({})
  })

  test('stays open behind nginx with time-outs of 10 seconds while nobody says anything', {
    skip: skipBalancer('nginx'),
  }, async () => {
    await using store = await openTestStore()
    await using host = await openAttachHost(store)
    await using proxy = await startBalancer('nginx', [host.url], { websocketTimeoutS: 10 })
    const { record, identity } = await addIdentity(store)
    using raw = await attachRawRunner(proxy.url, identity, { drain: () => ({}) })
    let isOpen = true
    void raw.closed.then(() => {
      isOpen = false
    })
    // Four pings, one each three seconds: longer than nginx waits.
    await eventually(() => raw.heartbeat.count >= 4, { timeoutMs: 30_000 })
    assert.ok(isOpen)
    await (await clientOf(host, record.id)).drain({})
  })

  test('is cut by such a proxy when nobody pings', { skip: skipBalancer('nginx') }, async () => {
    await using store = await openTestStore()
    const never = { pingMs: 600_000, silenceMs: 600_000 }
    await using host = await openAttachHost(store, { heartbeat: never })
    await using proxy = await startBalancer('nginx', [host.url], { websocketTimeoutS: 1 })
    const { identity } = await addIdentity(store)
    const socket = openSocket(proxy.url, identity)
    await once(socket, 'open')
    await once(socket, 'close')
  })
})

describe('a runner with several dispatchers', { concurrency: 4 }, () => {
  test('attaches to all that one of them names, and to those that come later', async () => {
    await using store = await openTestStore()
    await using served = await startTestRunner()
    const { identity } = await addIdentity(store)
    await using one = await openAttachHost(store)
    await using side = attachTestRunner(served.runner, { urls: [one.url], identity })
    {
      await using two = await openAttachHost(store)
      await eventually(() => assert.deepEqual(idsOf(side), [one.id, two.id].sort()))
      const [first] = side.attachments.live
      await using three = await openAttachHost(store)
      await eventually(() => assert.deepEqual(idsOf(side), [one.id, two.id, three.id].sort()))
      assert.equal(side.attachments.live[0], first, 'the sockets that are in use stay')
    }
    await eventually(() => assert.deepEqual(idsOf(side), [one.id]))
  })

  test('finds each behind a balancer when none names its own', async (context) => {
    const skip = skipBalancer('haproxy')
    if (skip) return context.skip(skip)
    await using store = await openTestStore()
    await using served = await startTestRunner()
    const { identity } = await addIdentity(store)
    await using one = await openAttachHost(store, { tellsUrl: false })
    await using two = await openAttachHost(store, { tellsUrl: false })
    await using balancer = await startBalancer('haproxy', [one.url, two.url])
    await using side = attachTestRunner(served.runner, { urls: [balancer.url], identity })
    await eventually(() => assert.deepEqual(idsOf(side), [one.id, two.id].sort()))
  })

  test('is attached to each of the URLs that it was given, while one of them is away', async () => {
    await using store = await openTestStore()
    await using served = await startTestRunner()
    const { record, identity } = await addIdentity(store)
    await using one = await openAttachHost(store, { tellsUrl: false })
    await using two = await openAttachHost(store, { tellsUrl: false })
    const urls = ['http://127.0.0.1:1', one.url, two.url]
    await using side = attachTestRunner(served.runner, { urls, identity })
    await eventually(() => assert.deepEqual(idsOf(side), [one.id, two.id].sort()))
    for (const host of [one, two]) await (await clientOf(host, record.id)).describe({})
  })
})

describe('a dispatcher', { concurrency: 4 }, () => {
  test('lets nobody attach without an identity, and ends it for a runner that was removed', async () => {
    await using store = await openTestStore()
    await using served = await startTestRunner()
    for (const isOpen of [true, false]) {
      await using host = await openAttachHost(store, { isOpen })
      for (const identity of [undefined, 'narwhal_runner_guessed']) {
        assert.equal(await statusOf(openSocket(host.url, identity)), 401)
      }
      const { record, identity } = await addIdentity(store)
      await using side = attachTestRunner(served.runner, { urls: [host.url], identity })
      await clientOf(host, record.id)
      await store.transact((write) => write.runners.remove(record.id))
      host.cut()
      assert.equal(((await side.ended) as { code?: string }).code, 'unauthenticated')
    }
  })

  test('refuses a runner that is attached to it already and seeks another', async () => {
    await using store = await openTestStore()
    await using host = await openAttachHost(store)
    const { identity } = await addIdentity(store)
    const attached = { [ATTACHED_HEADER]: `dispatcher_other,${host.id}` }
    assert.equal(await statusOf(openSocket(host.url, identity, attached)), 409)
    const other = { [ATTACHED_HEADER]: 'dispatcher_other' }
    const socket = openSocket(host.url, identity, other)
    const [[response]] = await Promise.all([once(socket, 'upgrade'), once(socket, 'open')])
    assert.equal(response.headers[DISPATCHER_HEADER], host.id)
    socket.terminate()
  })

  test('lives on whatever a runner sends, and calls it when it has come to reason', async () => {
    await using store = await openTestStore()
    await using host = await openAttachHost(store)
    const { record, identity } = await addIdentity(store)
    const nonsense: (string | Buffer)[] = [
      'this is no HTTP/2',
      Buffer.alloc(1000, 7),
      Buffer.alloc(MOST_MESSAGE_BYTES + 1),
      // A client's preface, as if the dispatcher were the server.
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      // SETTINGS with a length that frames can't have.
      Buffer.from([0xff, 0xff, 0xff, 4, 0, 0, 0, 0, 0]),
    ]
    for (const message of nonsense) {
      const socket = openSocket(host.url, identity)
      await once(socket, 'open')
      socket.send(message)
      const [code] = (await once(socket, 'close')) as [number]
      assert.ok(code >= 1000, String(code))
    }
    using _raw = await attachRawRunner(host.url, identity, { drain: () => ({}) })
    await (await clientOf(host, record.id)).drain({})
  })
})

const never = new AbortController().signal

function clientTls(paths: TlsPaths): ClientTls {
  using files = TlsFiles.open(paths, silentLog())
  return files.client
}

function serverTls(pair: Pair, clientCa: string): ServerTls {
  using files = TlsFiles.open({ ...pair, clientCa }, silentLog())
  assert.ok(files.server)
  return files.server
}

function openSocket(
  url: string,
  identity: string | undefined,
  more: Record<string, string> = {},
): WebSocket {
  const authorization = identity === undefined ? {} : { authorization: `Bearer ${identity}` }
  const socket = new WebSocket(`${url.replace('http', 'ws')}${ATTACH_PATH}`, {
    headers: { ...authorization, ...more },
    perMessageDeflate: false,
  })
  socket.on('error', () => {})
  return socket
}

/** What the handshake is answered with. */
async function statusOf(socket: WebSocket): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
  socket.on('open', () => resolve(101))
  const status = await promise
  socket.terminate()
  return status
}
