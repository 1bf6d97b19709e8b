import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, stat, truncate, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { eventually } from '../../../test/support/eventually.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { silentLog } from '../../lib/log.ts'
import { aRepository, seedRepository } from '../contract/fixtures.ts'
import { openStore } from '../open-store.ts'
import { backupSqlite } from './backup.ts'

const run = promisify(execFile)
const open = (path: string) => openStore({ kind: 'sqlite', path }, silentLog())
const never = new AbortController().signal
const support = (name: string) =>
  fileURLToPath(import.meta.resolve(`../../../test/support/${name}`))

test('holds all that was acknowledged before it, while another process writes on', async () => {
  await using dir = await tempDir()
  const path = dir.join('narwhal.db')
  const child = spawn(process.execPath, [support('store-writer.ts'), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const acknowledged: string[] = []
  createInterface(child.stdout).on('line', (id) => acknowledged.push(id))
  try {
    for (let round = 1; round <= 3; round++) {
      await eventually(() => acknowledged.length >= 50 * round)
      const before = [...acknowledged]
      const file = dir.join(`backup-${round}.db`)
      const contents = await backupSqlite(path, file, never)
      assert.equal((await stat(file)).mode & 0o777, 0o600)
      assert.equal((await stat(file)).size, contents.bytes)
      await using copy = await open(file)
      const kept = (await copy.repositories.list()).map(({ id }) => id as string)
      assert.deepEqual(
        before.filter((id) => !kept.includes(id)),
        [],
      )
      // A snapshot: each with what was written together with it.
      assert.equal(kept.length, contents.repositories)
      for (const id of kept) assert.equal((await copy.heads.list(id as 'repo_')).length, 1)
    }
  } finally {
    child.kill('SIGKILL')
    await once(child, 'close')
  }
})

test('comes to its end however much is written meanwhile', async () => {
  await using dir = await tempDir()
  const path = dir.join('narwhal.db')
  await using store = await open(path)
  const large = () => aRepository({ webhookSecret: 'x'.repeat(1_000_000) })
  for (let i = 0; i < 20; i++)
    await store.transact((write) => write.repositories.insert(large(), []))
  let isOver = false
  const writing = (async () => {
    while (!isOver) await store.transact((write) => write.repositories.insert(large(), []))
  })()
  const contents = await backupSqlite(path, dir.join('backup.db'), never)
  isOver = true
  await writing
  await using copy = await open(dir.join('backup.db'))
  assert.equal((await copy.repositories.list()).length, contents.repositories)
})

test('tells what it holds', async () => {
  await using dir = await tempDir()
  const path = dir.join('narwhal.db')
  {
    await using store = await open(path)
    await seedRepository(store)
  }
  // Of one that nobody uses, too.
  const { bytes, ...contents } = await backupSqlite(path, dir.join('backup.db'), never)
  assert.deepEqual(contents, {
    lastChange: 0,
    repositories: 1,
    events: 0,
    pipelines: 0,
    openPipelines: 0,
    jobs: 0,
  })
  assert.equal((await stat(dir.join('backup.db'))).size, bytes)
})

test('refuses what it can not do, and leaves nothing behind', async () => {
  await using dir = await tempDir()
  const path = dir.join('narwhal.db')
  await using store = await open(path)
  await seedRepository(store)
  await writeFile(dir.join('older.db'), 'the only copy')
  await writeFile(dir.join('notes.txt'), 'These are notes, and many of them. '.repeat(100))
  using foreign = new DatabaseSync(dir.join('foreign.db'))
  foreign.exec('CREATE TABLE customers (name TEXT)')
  const before = await readdir(dir.path)
  const cases = [
    [path, 'older.db', 'conflict', /older.db already exists/],
    [path, 'narwhal.db', 'conflict', /narwhal.db already exists/],
    [path, 'missing/x.db', 'invalid', /missing/],
    [path, 'notes.txt/x.db', 'invalid', /notes.txt is not a folder/],
    [dir.join('none.db'), 'x.db', 'not_found', /none.db does not exist; give its folder by --data/],
    [dir.join('notes.txt'), 'x.db', 'invalid', /notes.txt is not a Narwhal database/],
    [dir.join('foreign.db'), 'x.db', 'invalid', /foreign.db is not a Narwhal database/],
  ] as const
  for (const [from, to, code, message] of cases) {
    await assert.rejects(backupSqlite(from, dir.join(to), never), { code, message })
  }
  await assert.rejects(backupSqlite(path, dir.join('x.db'), AbortSignal.abort()), {
    name: 'NarwhalError',
    code: 'cancelled',
  })
  assert.deepEqual(await readdir(dir.path), before)
  await backupSqlite(path, dir.join('x.db'), never)
})

test('is no backup when the database is damaged', async () => {
  await using dir = await tempDir()
  const path = dir.join('narwhal.db')
  {
    await using store = await open(path)
    for (let i = 0; i < 200; i++) await seedRepository(store)
  }
  const { size } = await stat(path)
  await truncate(path, size - 3 * 4096)
  await assert.rejects(backupSqlite(path, dir.join('backup.db'), never), {
    code: 'invalid',
    message: /narwhal.db is damaged/,
  })
  assert.deepEqual(
    (await readdir(dir.path)).filter((name) => name.includes('backup')),
    [],
  )
})

test('leaves no half file under its name when it is killed, and the next one cleans up', async () => {
  await using dir = await tempDir()
  const path = dir.join('narwhal.db')
  await using store = await open(path)
  for (let i = 0; i < 30; i++) {
    const large = aRepository({ webhookSecret: 'x'.repeat(1_000_000) })
    await store.transact((write) => write.repositories.insert(large, []))
  }
  const folder = dir.join('backups')
  await run('mkdir', [folder])
  const file = dir.join('backups', 'narwhal.db')
  // SQLite copies in several steps, and after each of them the signal is looked at.
  const program = (steps: number) => `
    import { backupSqlite } from ${JSON.stringify(import.meta.resolve('./backup.ts'))}
    let steps = 0
    const throwIfAborted = () => ++steps === ${steps} && process.kill(process.pid, 'SIGKILL')
    await backupSqlite(${JSON.stringify(path)}, ${JSON.stringify(file)}, { throwIfAborted })`
  for (const steps of [1, 4, 8]) {
    const args = ['--input-type=module', '--eval', program(steps)]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
    await once(child, 'close')
    assert.equal(child.signalCode, 'SIGKILL')
    const names = await readdir(folder)
    assert.ok(names.length > 0 && !names.includes('narwhal.db'), names.join())
    for (const name of names) assert.match(name, new RegExp(`part-${child.pid}-`))
  }
  assert.equal((await backupSqlite(path, file, never)).repositories, 30)
  assert.deepEqual(await readdir(folder), ['narwhal.db'])
})

const canMount = process.getuid?.() === 0 ? false : 'only root can mount a small disk'

test('says that the disk of the backup is full, and leaves nothing there', {
  skip: canMount,
}, async () => {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  const disk = stack.use(await tempDir('narwhal-disk-'))
  await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk.path])
  stack.defer(async () => void (await run('umount', ['--lazy', disk.path])))
  const path = dir.join('narwhal.db')
  const store = stack.use(await open(path))
  const large = aRepository({ webhookSecret: 'x'.repeat(2_000_000) })
  await store.transact((write) => write.repositories.insert(large, []))
  await assert.rejects(backupSqlite(path, disk.join('backup.db'), never), {
    code: 'exhausted',
    message: /backup.db.*disk is full/,
  })
  assert.deepEqual(await readdir(disk.path), [])
  await seedRepository(store)
})
