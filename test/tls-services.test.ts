import assert from 'node:assert/strict'
import { appendFile, chmod, chown, copyFile, stat, writeFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import { openBroker } from '../src/broker/open-broker.ts'
import { silentLog } from '../src/lib/log.ts'
import { openStore } from '../src/store/open-store.ts'
import { type Authority, makeAuthority, type Pair } from './support/certificates.ts'
import { eventually } from './support/eventually.ts'
import { freePort } from './support/free-port.ts'
import { recordedLog } from './support/recorded-log.ts'
import { preparePostgres } from './support/services/postgres.ts'
import { prepareRabbitmq } from './support/services/rabbitmq.ts'
import { testService } from './support/services.ts'
import { type TempDir, tempDir } from './support/temp-dir.ts'

// Those of the other tests speak no TLS: these have an instance of their own.

const stack = new AsyncDisposableStack()
let ours: Authority
let others: Authority
let server: Pair
let client: Pair
let stranger: Pair

before(async () => {
  ours = stack.use(await makeAuthority('ours'))
  others = stack.use(await makeAuthority('others'))
  server = await ours.sign('server', { names: 'DNS:localhost' })
  client = await ours.sign('narwhal')
  stranger = await others.sign('narwhal')
})

after(() => stack.disposeAsync())

const INSTALLED = AbortSignal.timeout(120_000)

describe('PostgreSQL', { skip: testService('postgres').skip }, () => {
  let port: number

  before(async () => {
    const dir = stack.use(await tempDir('narwhal-pg-tls-'))
    // Where the tests run as root, the server is another user.
    await chmod(dir.path, 0o711)
    const prepared = await preparePostgres(dir.path, INSTALLED)
    if ('unavailable' in prepared) throw new Error(prepared.unavailable)
    await useTls(dir)
    stack.use(await prepared.start(INSTALLED))
    port = prepared.port
  })

  async function useTls(dir: TempDir): Promise<void> {
    const { uid, gid } = await stat(dir.join('data'))
    const names = { 'server.pem': server.cert, 'server.key': server.key, 'ca.pem': ours.ca }
    for (const [name, from] of Object.entries(names)) {
      const path = dir.join('data', name)
      await copyFile(from, path)
      await chown(path, uid, gid)
    }
    const files = "ssl_cert_file='server.pem'\nssl_key_file='server.key'\nssl_ca_file='ca.pem'"
    await appendFile(dir.join('data', 'postgresql.conf'), `\nssl=on\n${files}\n`)
    const rules = 'hostssl all all 127.0.0.1/32 trust clientcert=verify-ca\n'
    await writeFile(dir.join('data', 'pg_hba.conf'), rules)
  }

  async function open(host: string, parameters: Record<string, string>): Promise<string> {
    const query = new URLSearchParams(parameters)
    const url = `postgres://narwhal@${host}:${port}/postgres?${query.toString()}`
    await using store = await openStore({ kind: 'postgres', url, poolSize: 2 }, silentLog())
    await store.ping()
    return 'it works'
  }

  const full = () => ({ sslmode: 'verify-full', sslrootcert: ours.ca })
  const own = ({ cert, key }: Pair) => ({ sslcert: cert, sslkey: key })

  test('works with the right certificates on both sides', async () => {
    assert.equal(await open('localhost', { ...full(), ...own(client) }), 'it works')
  })

  test('is refused under another name than that of its certificate', async () => {
    await assert.rejects(open('127.0.0.1', { ...full(), ...own(client) }), {
      code: 'invalid',
      message: /its certificate is for other names/,
    })
  })

  test('is refused when its authority is not trusted', async () => {
    for (const trust of [{}, { sslrootcert: others.ca }]) {
      await assert.rejects(
        open('localhost', { sslmode: 'verify-full', ...trust, ...own(client) }),
        {
          code: 'invalid',
          message: /an authority that is not trusted here/,
        },
      )
    }
  })

  test('refuses who shows no certificate, one of others, or speaks no TLS', async () => {
    await assert.rejects(open('localhost', full()), { code: 'invalid', message: /certificate/ })
    await assert.rejects(open('localhost', { ...full(), ...own(stranger) }), {
      code: 'invalid',
      message: /does not trust the authority of this client's certificate/,
    })
    await assert.rejects(open('127.0.0.1', {}), { code: 'invalid', message: /no encryption/ })
  })

  test('files that can not be used are refused in words', async () => {
    await assert.rejects(open('localhost', { sslmode: 'verify-full', sslrootcert: '/nothing' }), {
      code: 'invalid',
      message: /sslrootcert: \/nothing can't be read/,
    })
  })

  test('one that speaks no TLS is refused where the URL asks for it', async () => {
    const { host } = new URL(testService('postgres').url)
    const url = `postgres://narwhal@${host}/postgres?sslmode=verify-full`
    await assert.rejects(openStore({ kind: 'postgres', url }, silentLog()), {
      code: 'invalid',
      message: /does not support SSL/,
    })
  })
})

describe('RabbitMQ', { skip: testService('rabbitmq').skip }, () => {
  let port: number

  before(async () => {
    const dir = stack.use(await tempDir('narwhal-mq-tls-'))
    const prepared = await prepareRabbitmq(dir.path)
    if ('unavailable' in prepared) throw new Error(prepared.unavailable)
    port = await freePort()
    const lines = [
      `listeners.ssl.1 = 127.0.0.1:${port}`,
      `ssl_options.cacertfile = ${ours.ca}`,
      `ssl_options.certfile = ${server.cert}`,
      `ssl_options.keyfile = ${server.key}`,
      'ssl_options.verify = verify_peer',
      'ssl_options.fail_if_no_peer_cert = true',
    ]
    await appendFile(dir.join('rabbitmq.conf'), `${lines.join('\n')}\n`)
    stack.use(await prepared.startMapper(INSTALLED))
    stack.use(await prepared.start(INSTALLED))
  })

  /** Opens a broker; resolves when it is ready, or with what it says first about why it is not. */
  async function open(host: string, parameters: Record<string, string>): Promise<string> {
    const query = new URLSearchParams(parameters).toString()
    const url = `amqps://guest:guest@${host}:${port}?${query}`
    const { log, lines } = recordedLog()
    await using broker = await openBroker({ kind: 'amqp', url }, log)
    return await eventually(() => {
      if (broker.state === 'ready') return 'it works'
      return lines.find((line) => line.includes('retrying')) ?? false
    })
  }

  const own = ({ cert, key }: Pair) => ({ certfile: cert, keyfile: key })

  test('works with the right certificates on both sides', async () => {
    const right = { cacertfile: ours.ca, ...own(client) }
    assert.equal(await open('localhost', right), 'it works')
    const named = { ...right, server_name_indication: 'localhost' }
    assert.equal(await open('127.0.0.1', named), 'it works')
  })

  test('is refused when its authority is not trusted, or its name is another', async () => {
    const untrusted = /an authority that is not trusted here/
    assert.match(await open('localhost', own(client)), untrusted)
    assert.match(await open('localhost', { cacertfile: others.ca, ...own(client) }), untrusted)
    const right = { cacertfile: ours.ca, ...own(client) }
    assert.match(await open('127.0.0.1', right), /its certificate is for other names/)
  })

  test('refuses who shows no certificate, or one of others', async () => {
    const trusting = { cacertfile: ours.ca }
    assert.match(await open('localhost', trusting), /it requires a client certificate/)
    const foreign = await open('localhost', { ...trusting, ...own(stranger) })
    assert.match(foreign, /does not trust the authority of this client's certificate/)
  })

  test('files that can not be used are refused in words', async () => {
    await assert.rejects(open('localhost', { cacertfile: '/nothing' }), {
      code: 'invalid',
      message: /cacertfile: \/nothing can't be read/,
    })
    await assert.rejects(open('localhost', { certfile: client.cert }), {
      code: 'invalid',
      message: /certfile needs its key: set keyfile/,
    })
  })
})
