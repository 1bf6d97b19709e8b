import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { logAppend } from '#root/test/support/log-append.ts'
import { findProgram } from '../../../test/support/services/programs.ts'
import { freshDatabase, testService } from '../../../test/support/services.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { TESTER } from '../../../test/support/tester.ts'
import { silentLog } from '../../lib/log.ts'
import { lines, seedAttempt } from '../contract/fixtures.ts'
import { openStore } from '../open-store.ts'
import { LEAP } from '../sql/leap-ahead.ts'
import { prepareRestoredPostgres } from './after-restore.ts'

const run = promisify(execFile)
const [pgDump, pgRestore] = ['pg_dump', 'pg_restore'].map((name) => findProgram(name) ?? '')
const missing = pgDump && pgRestore ? false : 'no pg_dump and pg_restore here'
const skip = testService('postgres').skip || missing

test('a database from pg_dump is gone on with under tokens that nobody ever had', {
  skip,
}, async () => {
  await using dir = await tempDir()
  await using former = await freshDatabase()
  await using restored = await freshDatabase()
  const open = (url: string) => openStore({ kind: 'postgres', url }, silentLog())
  const file = dir.join('narwhal.dump')
  await using store = await open(former.url)
  const { pipeline, log } = await seedAttempt(store)
  await store.transact(async (write) => {
    await write.dispatchers.takeSeat({ id: 'dispatcher_one', startedAt: 1 })
    await write.pipelines.take(pipeline.id, 'dispatcher_one')
    await write.logs.append(logAppend({ ...log, lastSeq: 3 }, lines(0, 3)))
  })
  const before = await store.pipelines.find(pipeline.id)
  const lastChange = await store.changes.last()
  await run(pgDump ?? '', ['--format=custom', `--file=${file}`, former.url])
  await run(pgRestore ?? '', ['--no-owner', '--exit-on-error', `--dbname=${restored.url}`, file])

  await prepareRestoredPostgres(restored.url, { log: silentLog(), by: TESTER })
  {
    await using again = await open(restored.url)
    const after = await again.pipelines.find(pipeline.id)
    assert.equal(after?.pipeline.term, (before?.pipeline.term ?? 0) + LEAP)
    assert.equal(after.jobs[0]?.fence, (before?.jobs[0]?.fence ?? 0) + LEAP)
    assert.deepEqual(after.jobs[0].attempts, before?.jobs[0]?.attempts)
    assert.deepEqual(await again.dispatchers.list(), [])
    assert.equal(await again.changes.last(), lastChange + LEAP)
    assert.deepEqual(await again.logs.read(log, 0, 10), lines(0, 3))
  }
  assert.equal((await store.pipelines.find(pipeline.id))?.pipeline.term, before?.pipeline.term)
})

test('nothing leaps ahead while a Narwhal is connected', {
  skip: testService('postgres').skip,
}, async () => {
  await using database = await freshDatabase()
  await using store = await openStore({ kind: 'postgres', url: database.url }, silentLog())
  await store.ping()
  await assert.rejects(prepareRestoredPostgres(database.url, { log: silentLog(), by: TESTER }), {
    code: 'conflict',
    message: /are connected to .*: stop them first/,
  })
  assert.equal(await store.changes.last(), 0)
})
