import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { Client } from 'pg'
import { pino } from 'pino'
import { eventually } from '../../../test/support/eventually.ts'
import { freePort } from '../../../test/support/free-port.ts'
import { freshDatabase, testService } from '../../../test/support/services.ts'
import { silentLog } from '../../lib/log.ts'
import { anEvent, aPipeline, aRunner, seedPipeline, seedRepository } from '../contract/fixtures.ts'
import { openStore } from '../open-store.ts'

const { skip } = testService('postgres')

const open = (url: string) => openStore({ kind: 'postgres', url, poolSize: 3 }, silentLog())

test('says unavailable when its connections are cut, then works again', { skip }, async () => {
  await using database = await freshDatabase()
  await using store = await open(database.url)
  const repository = await seedRepository(store)

  const cut = store.transact(async (write) => {
    await write.events.accept([anEvent(repository.id)])
    await terminateConnections(database.url)
    await write.events.accept([anEvent(repository.id)])
  })
  await assert.rejects(cut, { code: 'unavailable' })

  await eventually(() => store.ping())
  assert.deepEqual(await store.events.listPending({ before: 1e12, limit: 10 }), [])
  await terminateConnections(database.url)
  await eventually(() => store.transact((write) => write.events.accept([anEvent(repository.id)])))
  assert.equal((await store.events.listPending({ before: 1e12, limit: 10 })).length, 1)
})

test('says unavailable while the server is away, then works again', { skip }, async () => {
  await using database = await freshDatabase()
  await using proxy = await openProxy(database.url)
  await using store = await open(proxy.url)
  const repository = await seedRepository(store)
  await proxy.stop()
  await eventually(() => assert.rejects(store.ping(), { code: 'unavailable' }))
  const write = () => store.transact((write) => write.events.accept([anEvent(repository.id)]))
  await assert.rejects(write(), { code: 'unavailable' })
  await assert.rejects(store.pipelines.find('pipeline_1'), { code: 'unavailable' })
  await proxy.start()
  await store.ping()
  await write()
})

test('waits at start until the server is there, and says so without the password', {
  skip,
}, async () => {
  await using database = await freshDatabase()
  await using proxy = await openProxy(database.url)
  await proxy.stop()
  const url = new URL(proxy.url)
  url.password = 'open-sesame'
  const said: string[] = []
  const log = pino({ level: 'trace' }, { write: (line: string) => void said.push(line) })
  const opening = openStore({ kind: 'postgres', url: url.href }, log)
  await eventually(() => assert.match(said.join(''), /PostgreSQL is unavailable: retrying/))
  await proxy.start()
  await using store = await opening
  await store.ping()
  assert.match(said.join(''), /PostgreSQL is available again/)
  assert.match(said.join(''), new RegExp(url.host))
  assert.doesNotMatch(said.join(''), /open-sesame/)
})

test('gives up at start when it is told to', async () => {
  const controller = new AbortController()
  const url = `postgres://narwhal:open-sesame@127.0.0.1:${await freePort()}/narwhal`
  const opening = openStore({ kind: 'postgres', url }, silentLog(), controller.signal)
  controller.abort()
  await assert.rejects(opening, { code: 'cancelled' })
})

test('refuses at once what will never do', { skip }, async () => {
  await using database = await freshDatabase()
  const missing = new URL(database.url)
  missing.pathname = '/no_such_database'
  await assert.rejects(open(missing.href), { code: 'invalid', message: /no_such_database/ })
  await assert.rejects(open('not a URL'), { code: 'invalid' })

  await (await open(database.url))[Symbol.asyncDispose]()
  await asClient(database.url, `insert into kysely_migration values ('9999-future', '2099-01-01')`)
  await assert.rejects(open(database.url), { code: 'invalid', message: /newer Narwhal/ })
})

test('is opened by several at once', { skip }, async () => {
  await using database = await freshDatabase()
  await using stack = new AsyncDisposableStack()
  const stores = await Promise.all([1, 2, 3, 4].map(() => open(database.url)))
  for (const store of stores) stack.use(store)
  for (const store of stores) await seedRepository(store)
  assert.equal((await stores[0]!.repositories.list()).length, 4)
})

test('runs the work again when it was the victim of a deadlock', { skip }, async () => {
  await using database = await freshDatabase()
  await using store = await open(database.url)
  const runners = [aRunner(), aRunner()]
  const both = Promise.withResolvers<void>()
  let begun = 0
  let runs = 0
  const crosswise = (order: typeof runners) =>
    store.transact(async (write) => {
      runs++
      await write.runners.save(order[0]!)
      if (++begun === 2) both.resolve()
      await both.promise
      await write.runners.save(order[1]!)
    })
  await store.transact(async (write) => {
    for (const runner of runners) await write.runners.save(runner)
  })
  await Promise.all([crosswise(runners), crosswise(runners.toReversed())])
  // Each may be the victim of one.
  assert.ok(runs >= 3, `${runs} runs`)
  assert.equal(await store.changes.last(), 6)
})

test('refuses to commit what went on after a failed write', { skip }, async () => {
  await using database = await freshDatabase()
  await using store = await open(database.url)
  const runners = [aRunner(), aRunner()] as const
  const swallowing = store.transact(async (write) => {
    for (const runner of runners) await write.runners.save(runner)
    await write.runners.save({ ...runners[0], name: runners[1].name }).catch(() => {})
    await write.runners.list().catch(() => {})
  })
  await assert.rejects(swallowing)
  assert.deepEqual(await store.runners.list(), [])
})

test('numbers change only with what is committed, also after a lost connection', {
  skip,
}, async () => {
  await using database = await freshDatabase()
  await using store = await open(database.url)
  const { event } = await seedPipeline(store)
  const before = await store.changes.last()
  const cut = store.transact(async (write) => {
    await write.pipelines.create(aPipeline(event, { rerunOf: 'pipeline_none' }))
  })
  await assert.rejects(cut, { code: 'not_found' })
  const { changes } = await store.transact((write) => write.runners.save(aRunner()))
  assert.deepEqual(
    changes.map(({ seq }) => seq),
    [before + 1],
  )
})

function terminateConnections(url: string): Promise<void> {
  return asClient(
    url,
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()`,
  )
}

async function asClient(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}

/** A port in front of the server that can be closed and opened again. */
async function openProxy(target: string) {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
  })
  const own = await freePort()
  const start = async () => {
    server.listen(own, '127.0.0.1')
    await once(server, 'listening')
  }
  const stop = async () => {
    if (!server.listening) return
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
  }
  await start()
  const url = new URL(target)
  url.host = `127.0.0.1:${own}`
  return { url: url.href, start, stop, [Symbol.asyncDispose]: stop }
}
