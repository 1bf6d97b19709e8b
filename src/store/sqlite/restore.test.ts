import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, readdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { logAppend } from '#root/test/support/log-append.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { TESTER } from '../../../test/support/tester.ts'
import { silentLog } from '../../lib/log.ts'
import { aRepository, lines, seedAttempt, seedRepository } from '../contract/fixtures.ts'
import { openStore } from '../open-store.ts'
import { LEAP } from '../sql/leap-ahead.ts'
import { backupSqlite } from './backup.ts'
import { restoreSqlite } from './restore.ts'

const run = promisify(execFile)
const open = (path: string) => openStore({ kind: 'sqlite', path }, silentLog())
const { signal } = new AbortController()

/** A database with an open pipeline, a job in its first attempt and a dispatcher; and its backup. */
async function seedBackup(path: string, file: string) {
  await using store = await open(path)
  const seeded = await seedAttempt(store)
  const { pipeline, log } = seeded
  await store.transact(async (write) => {
    await write.dispatchers.takeSeat({ id: 'dispatcher_one', startedAt: 1 })
    await write.pipelines.take(pipeline.id, 'dispatcher_one')
    await write.logs.append(logAppend({ ...log, lastSeq: 3 }, lines(0, 3)))
  })
  await backupSqlite(path, file, signal)
  const before = await store.pipelines.find(pipeline.id)
  assert.ok(before)
  return { ...seeded, before, lastChange: await store.changes.last() }
}

test('brings back all that the backup has, under tokens that nobody ever had', async () => {
  await using dir = await tempDir()
  const file = dir.join('backup.db')
  const { before, pipeline, log, lastChange } = await seedBackup(dir.join('narwhal.db'), file)
  const path = dir.join('restored.db')
  const { contents, aside } = await restoreSqlite(file, path, {
    replace: false,
    signal,
    by: TESTER,
  })
  assert.equal(contents.lastChange, lastChange)
  assert.equal(contents.openPipelines, 1)
  assert.equal(aside, undefined)

  await using store = await open(path)
  const [job] = before.jobs
  assert.ok(job)
  assert.deepEqual(await store.pipelines.find(pipeline.id), {
    ...before,
    pipeline: { ...before.pipeline, term: before.pipeline.term + LEAP },
    jobs: [{ ...job, fence: job.fence + LEAP }],
  })
  assert.deepEqual(await store.logs.read(log, 0, 10), lines(0, 3))
  assert.deepEqual(await store.dispatchers.list(), [])
  const { result } = await store.transact(async (write) => {
    await write.dispatchers.takeSeat({ id: 'dispatcher_two', startedAt: 1 })
    return write.pipelines.takeFree('dispatcher_two')
  })
  assert.deepEqual(result, [pipeline.id])

  // Whoever has seen changes that were never made now, is told to look anew.
  assert.equal(await store.changes.last(), lastChange + LEAP)
  for (const after of [0, lastChange, lastChange + 7]) {
    assert.deepEqual(await store.changes.list({ after, limit: 10 }), {
      changes: [],
      truncated: true,
    })
  }
  await store.transact((write) => write.pipelines.save(before.pipeline))
  const { changes } = await store.changes.list({ after: lastChange + LEAP, limit: 10 })
  assert.deepEqual(
    changes.map(({ seq }) => seq),
    [lastChange + LEAP + 1],
  )
})

test('keeps what was there beside it, and only when it is told to replace it', async () => {
  await using dir = await tempDir()
  const [path, file] = [dir.join('narwhal.db'), dir.join('backup.db')]
  const { repository } = await seedBackup(path, file)
  const later = await (async () => {
    await using store = await open(path)
    return await seedRepository(store)
  })()
  await assert.rejects(restoreSqlite(file, path, { replace: false, signal, by: TESTER }), {
    code: 'conflict',
    message: /narwhal\.db exists; with --force it is kept/,
  })
  {
    await using store = await open(path)
    assert.equal((await store.repositories.list()).length, 2)
  }
  const { aside } = await restoreSqlite(file, path, { replace: true, signal, by: TESTER })
  await using store = await open(path)
  assert.deepEqual(await store.repositories.list(), [repository])
  assert.match(aside ?? '', /narwhal\.db\.before-\d{8}T\d{6}Z$/)
  await using former = await open(aside ?? '')
  assert.equal((await former.repositories.list()).length, 2)
  assert.ok(await former.repositories.find(later.id))
})

test('keeps each of those that were there, also of one second', async (context) => {
  await using dir = await tempDir()
  const [path, file] = [dir.join('narwhal.db'), dir.join('backup.db')]
  await seedBackup(path, file)
  context.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const kept: (string | undefined)[] = []
  for (let n = 0; n < 3; n++) {
    kept.push((await restoreSqlite(file, path, { replace: true, signal, by: TESTER })).aside)
  }
  assert.equal(new Set(kept).size, 3)
  assert.match(kept[2] ?? '', /narwhal\.db\.before-\d{8}T\d{6}Z-3$/)
  for (const aside of kept) {
    await using former = await open(aside ?? '')
    assert.equal((await former.repositories.list()).length, 1)
  }
})

test('refuses a database that is in use', async () => {
  await using dir = await tempDir()
  const [path, file] = [dir.join('narwhal.db'), dir.join('backup.db')]
  await seedBackup(path, file)
  await using store = await open(path)
  const attempt = restoreSqlite(file, path, { replace: true, signal, by: TESTER })
  await assert.rejects(attempt, {
    code: 'conflict',
    message: /narwhal.db is in use by a Narwhal process: stop it first/,
  })
  await seedRepository(store)
  assert.equal((await store.repositories.list()).length, 2)
})

test('takes the place of a database that is damaged beyond opening', async () => {
  await using dir = await tempDir()
  const [path, file] = [dir.join('narwhal.db'), dir.join('backup.db')]
  const { repository } = await seedBackup(path, file)
  const text = 'This was a database once. '.repeat(1000)
  await writeFile(path, text)
  // It belongs to the damaged one: beside the restored one it would be read as its own.
  await writeFile(`${path}-wal`, 'left')
  const { aside = '' } = await restoreSqlite(file, path, { replace: true, signal, by: TESTER })
  assert.equal(await readFile(aside, 'utf8'), text)
  assert.equal(await readFile(`${aside}-wal`, 'utf8'), 'left')
  await using store = await open(path)
  assert.deepEqual(await store.repositories.list(), [repository])
})

test('refuses what is no backup, and leaves all as it was', async () => {
  await using dir = await tempDir()
  const [path, file] = [dir.join('narwhal.db'), dir.join('backup.db')]
  const { repository } = await seedBackup(path, file)
  await writeFile(dir.join('notes.txt'), 'These are notes, and many of them. '.repeat(100))
  await writeFile(dir.join('empty.db'), '')
  await copyFile(file, dir.join('short.db'))
  await truncate(dir.join('short.db'), 20 * 4096)
  await copyFile(file, dir.join('newer.db'))
  {
    using newer = new DatabaseSync(dir.join('newer.db'))
    newer.exec(`INSERT INTO kysely_migration VALUES ('9999-future', '2099-01-01T00:00:00.000Z')`)
  }
  const names = await readdir(dir.path)
  const cases = [
    ['missing.db', 'not_found', /missing.db does not exist/],
    ['notes.txt', 'invalid', /notes.txt is not a Narwhal database/],
    ['empty.db', 'invalid', /empty.db is not a Narwhal database/],
    ['short.db', 'invalid', /short.db is damaged/],
    ['newer.db', 'invalid', /newer Narwhal/],
  ] as const
  for (const [name, code, message] of cases) {
    const attempt = restoreSqlite(dir.join(name), path, { replace: true, signal, by: TESTER })
    await assert.rejects(attempt, { code, message }, name)
  }
  assert.deepEqual(await readdir(dir.path), names)
  await using store = await open(path)
  assert.deepEqual(await store.repositories.list(), [repository])
})

test('leaves the former database in its place when it is killed on the way', async () => {
  await using dir = await tempDir()
  const [path, file] = [dir.join('narwhal.db'), dir.join('backup.db')]
  const { repository } = await seedBackup(path, file)
  // After the copy, when the signal is looked at.
  const program = `
    import { restoreSqlite } from ${JSON.stringify(import.meta.resolve('./restore.ts'))}
    const throwIfAborted = () => process.kill(process.pid, 'SIGKILL')
    const options = { replace: true, signal: { throwIfAborted } }
    await restoreSqlite(${JSON.stringify(file)}, ${JSON.stringify(path)}, options)`
  const args = ['--input-type=module', '--eval', program]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  await once(child, 'close')
  assert.equal(child.signalCode, 'SIGKILL')
  assert.ok((await readdir(dir.path)).some((name) => name.includes(`part-${child.pid}-`)))
  {
    await using store = await open(path)
    assert.deepEqual(await store.repositories.list(), [repository])
    assert.ok((await store.changes.last()) < LEAP)
  }
  const { aside = '' } = await restoreSqlite(file, path, { replace: true, signal, by: TESTER })
  const names = ['backup.db', 'narwhal.db', basename(aside)]
  assert.deepEqual(await readdir(dir.path), names)
})

const canMount = process.getuid?.() === 0 ? false : 'only root can mount a small disk'

test('says that the disk is full, and leaves the former database as it was', {
  skip: canMount,
}, async () => {
  await using stack = new AsyncDisposableStack()
  const dir = stack.use(await tempDir())
  const disk = stack.use(await tempDir('narwhal-disk-'))
  await run('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk.path])
  stack.defer(async () => void (await run('umount', ['--lazy', disk.path])))
  const [path, file] = [disk.join('narwhal.db'), dir.join('backup.db')]
  await seedBackup(dir.join('narwhal.db'), dir.join('small.db'))
  {
    await using store = await open(dir.join('narwhal.db'))
    const large = aRepository({ webhookSecret: 'x'.repeat(5_000_000) })
    await store.transact((write) => write.repositories.insert(large, []))
  }
  await backupSqlite(dir.join('narwhal.db'), file, signal)
  await restoreSqlite(dir.join('small.db'), path, { replace: false, signal, by: TESTER })
  await assert.rejects(restoreSqlite(file, path, { replace: true, signal, by: TESTER }), {
    code: 'exhausted',
    message: /disk is full/,
  })
  assert.deepEqual(await readdir(disk.path), ['narwhal.db'])
  await using store = await open(path)
  assert.equal((await store.repositories.list()).length, 1)
})
