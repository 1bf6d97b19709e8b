import assert from 'node:assert/strict'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { logAppend } from '#root/test/support/log-append.ts'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { silentLog } from '../../lib/log.ts'
import { lines, seedAttempt } from '../contract/fixtures.ts'
import { openStore } from '../open-store.ts'

test('writes only the rows anew of which text is taken out', async () => {
  await using dir = await tempDir()
  const path = dir.join('narwhal.db')
  await using store = await openStore({ kind: 'sqlite', path }, silentLog())
  const { log } = await seedAttempt(store)
  const all = lines(0, 60).map((line, number) => ({ ...line, step: Math.floor(number / 10) }))
  await store.transact((write) => write.logs.append(logAppend({ ...log, lastSeq: 1 }, all)))
  using database = new DatabaseSync(path)
  // The last two rows as one, as former versions wrote them.
  const former = all.slice(40).map(({ step, at, stream, text }) => [step, at, stream, text])
  database
    .prepare('update log_chunks set line_count = 20, data = ? where first_line = 40')
    .run(Buffer.from(JSON.stringify(former)))
  database.exec(`
    delete from log_chunks where first_line = 50;
    create table written (first_line);
    create trigger on_insert after insert on log_chunks
      begin insert into written values (new.first_line); end;
    create trigger on_update after update on log_chunks
      begin insert into written values (new.first_line); end`)
  const redact = async (steps: number[], at: number): Promise<unknown[]> => {
    await store.transact((write) =>
      write.logs.addRedaction(log, { steps, by: 'ada', at, sha256: 'hash' }),
    )
    for (let from: number | undefined = 0; from !== undefined; ) {
      const next: number = from
      from = (await store.transact((write) => write.logs.redactSome(log, next))).result
    }
    const rows = database.prepare('select first_line from written order by rowid').all()
    database.exec('delete from written')
    return rows.map((row) => row['first_line'])
  }
  const shown = async () => (await store.logs.read(log, 0, 100)).map(({ text }) => text)
  const texts = all.map(({ text }) => text)

  assert.deepEqual(await redact([2], 7000), [20])
  const once = await shown()
  assert.deepEqual(once.toSpliced(20, 10), texts.toSpliced(20, 10))
  assert.ok(once.slice(20, 30).every((text) => !text.includes('hello')))

  // Of the row of two steps the other is written as well, without what is taken out.
  assert.deepEqual(await redact([5], 8000), [20, 40, 50])
  const twice = await shown()
  assert.deepEqual(twice.slice(0, 50), once.slice(0, 50))
  assert.equal(twice.length, 60)
  assert.ok(twice.slice(50).every((text) => !text.includes('hello')))
})
