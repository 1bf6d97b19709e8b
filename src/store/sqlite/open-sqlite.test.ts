import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { silentLog } from '../../lib/log.ts'
import { aRepository, seedRepository } from '../contract/fixtures.ts'
import { migrate } from '../migrations/migrate.ts'
import { openStore } from '../open-store.ts'
import { sqlStore } from '../sql/sql-store.ts'
import { openSqlite } from './open-sqlite.ts'
import { SqliteConnection } from './sqlite-connection.ts'

const open = (path: string) => openStore({ kind: 'sqlite', path }, silentLog())

test('keeps every acknowledged row when its process is killed', async () => {
  await using dir = await tempDir()
  const path = dir.join('narwhal.db')
  const program = fileURLToPath(import.meta.resolve('../../../test/support/store-writer.ts'))
  let acknowledged = 0
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, [program, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ids: string[] = []
    for await (const id of createInterface(child.stdout)) {
      ids.push(id)
      // Lines that it had written before are still to be read.
      if (ids.length === 40 + 13 * round) child.kill('SIGKILL')
    }
    acknowledged += ids.length
    await using store = await open(path)
    const kept = new Set((await store.repositories.list()).map(({ id }) => id as string))
    assert.deepEqual(
      ids.filter((id) => !kept.has(id)),
      [],
    )
    assert.ok(kept.size >= acknowledged)
    for (const id of ids) assert.equal((await store.heads.list(id as 'repo_')).length, 1)
  }
  using database = new DatabaseSync(path)
  assert.deepEqual(
    { ...database.prepare('PRAGMA integrity_check').get() },
    { integrity_check: 'ok' },
  )
})

test('makes the file and its folder, for the owner only', async () => {
  await using dir = await tempDir()
  const path = dir.join('new', 'folder', 'narwhal.db')
  {
    await using store = await open(path)
    await store.ping()
    for (const file of [path, `${path}-wal`]) assert.equal((await stat(file)).mode & 0o777, 0o600)
  }
  using database = new DatabaseSync(path)
  assert.equal(database.prepare('PRAGMA journal_mode').get()?.['journal_mode'], 'wal')
})

test('refuses what is no database of Narwhal, and a place where none can be', async () => {
  await using dir = await tempDir()
  const text = dir.join('notes.txt')
  await writeFile(text, 'These are notes, and many of them. '.repeat(100))
  await assert.rejects(open(text), {
    code: 'invalid',
    message: /notes.txt is not a Narwhal database/,
  })

  const foreign = dir.join('foreign.db')
  using database = new DatabaseSync(foreign)
  database.exec('CREATE TABLE customers (name TEXT)')
  await assert.rejects(open(foreign), { code: 'invalid', message: /not a Narwhal database/ })

  await mkdir(dir.join('folder'))
  const message = /can't write the database/
  await assert.rejects(open(dir.join('folder')), { code: 'invalid', message })
  await assert.rejects(open(dir.join('notes.txt', 'narwhal.db')), { code: 'invalid', message })
  await assert.rejects(open('/proc/narwhal.db'), { code: 'invalid', message })
})

test('refuses a database that a newer Narwhal has made', async () => {
  await using dir = await tempDir()
  const path = dir.join('narwhal.db')
  await (await open(path))[Symbol.asyncDispose]()
  using database = new DatabaseSync(path)
  database.exec(`INSERT INTO kysely_migration VALUES ('9999-future', '2099-01-01T00:00:00.000Z')`)
  await assert.rejects(open(path), {
    code: 'invalid',
    message: /newer Narwhal \(it has 9999-future\)/,
  })
})

test('is opened by several at once', async () => {
  await using dir = await tempDir()
  const path = dir.join('narwhal.db')
  await using stack = new AsyncDisposableStack()
  const stores = await Promise.all([1, 2, 3, 4].map(() => open(path)))
  for (const store of stores) stack.use(store)
  for (const store of stores) await seedRepository(store)
  for (const store of stores) assert.equal((await store.repositories.list()).length, 4)
})

test('says exhausted when the disk is full, writes nothing of it, and goes on afterwards', async () => {
  await using dir = await tempDir()
  const engine = await openSqlite(dir.join('narwhal.db'))
  await migrate(engine.writing)
  await using store = sqlStore(engine)
  const small = await seedRepository(store)
  const limitPages = (pages: number) =>
    sql.raw(`pragma max_page_count = ${pages}`).execute(engine.writing)
  await limitPages(1)
  const large = aRepository({ cloneUrl: 'x'.repeat(1_000_000) })
  const attempt = store.transact((write) => write.repositories.insert(large, []))
  await assert.rejects(attempt, { code: 'exhausted' })
  assert.deepEqual(await store.repositories.list(), [small])
  await limitPages(1_000_000)
  await store.transact((write) => write.repositories.insert(large, []))
  assert.equal((await store.repositories.list()).length, 2)
})

test('is unavailable when another process locks the database for too long', async () => {
  await using dir = await tempDir()
  const path = dir.join('narwhal.db')
  using other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  const connection = new SqliteConnection(new DatabaseSync(path, { timeout: 0 }), 20)
  try {
    await assert.rejects(connection.execute('begin immediate'), { code: 'unavailable' })
    const waiting = connection.execute('begin immediate')
    other.exec('COMMIT')
    await waiting
  } finally {
    connection.close()
  }
})

test('lets the transaction in progress end before it closes, and refuses all later ones', async () => {
  await using dir = await tempDir()
  const path = dir.join('narwhal.db')
  const store = await open(path)
  const repository = aRepository()
  const gate = Promise.withResolvers<void>()
  const slow = store.transact(async (write) => {
    await gate.promise
    await write.repositories.insert(repository, [])
  })
  const closing = store[Symbol.asyncDispose]()
  gate.resolve()
  await Promise.all([slow, closing])
  const late = store.transact((write) => write.repositories.remove(repository.id))
  await assert.rejects(late, { code: 'unavailable' })
  await using again = await open(path)
  assert.deepEqual(await again.repositories.list(), [repository])
})

test('lets timers and sockets have their turn in a long row of queries', async () => {
  await using dir = await tempDir()
  await using store = await open(dir.join('narwhal.db'))
  const fired = once(AbortSignal.timeout(1), 'abort').then(() => true)
  let isOver = false
  void fired.then(() => {
    isOver = true
  })
  // Without end, should the timer never fire.
  while (!isOver) await store.changes.last()
})
