import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { tempDir } from '../../../test/support/temp-dir.ts'
import { silentLog } from '../../lib/log.ts'
import { seedRepository } from '../contract/fixtures.ts'
import { openStore } from '../open-store.ts'

const PROGRAM = fileURLToPath(import.meta.resolve('../../../test/support/event-writer.ts'))
const KILLS = 50
const AT_A_TIME = 3

test('every transaction is whole or not at all, wherever its process is killed', async () => {
  await using dir = await tempDir()
  const path = dir.join('narwhal.db')
  const open = () => openStore({ kind: 'sqlite', path }, silentLog())
  const repository = await (async () => {
    await using store = await open()
    return await seedRepository(store)
  })()
  const acknowledged: string[] = []
  let kills = 0
  const killOneAfterTheOther = async () => {
    // The others go on writing, and the next one finds what this one has left.
    while (kills < KILLS)
      acknowledged.push(...(await writeUntilKilled(path, repository.id, kills++)))
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, killOneAfterTheOther))

  using database = new DatabaseSync(path)
  const rowsOf = (query: string) => database.prepare(query).all()
  const count = (what: string) =>
    Number(rowsOf(`SELECT count(*) AS count FROM ${what}`)[0]?.['count'])
  const kept = new Set(rowsOf('SELECT id FROM commit_events').map(({ id }) => String(id)))
  assert.ok(acknowledged.length > KILLS)
  assert.deepEqual(
    acknowledged.filter((id) => !kept.has(id)),
    [],
  )
  // At most one of each was committed and could not be told of any more.
  assert.ok(kept.size <= acknowledged.length + kills, `${kept.size} of ${acknowledged.length}`)

  assert.equal(count('deliveries JOIN commit_events ON event_id = commit_events.id'), kept.size)
  assert.equal(count('pipelines JOIN commit_events ON event_id = commit_events.id'), kept.size)
  assert.equal(count('commit_events WHERE pending = 1'), 0)
  assert.equal(count('jobs'), 2 * kept.size)
  assert.equal(count('(SELECT 1 FROM jobs GROUP BY pipeline_id HAVING count(*) = 2)'), kept.size)
  assert.deepEqual({ ...rowsOf('SELECT max(number) AS max FROM pipelines')[0] }, { max: kept.size })
  const changes = rowsOf('SELECT min(seq) AS first, max(seq) AS last FROM state_changes')[0]
  assert.deepEqual({ ...changes }, { first: 1, last: 3 * kept.size })
  assert.equal(count('state_changes'), 3 * kept.size)
  assert.deepEqual({ ...rowsOf('SELECT last FROM change_counter')[0] }, { last: 3 * kept.size })
  assert.deepEqual({ ...rowsOf('PRAGMA integrity_check')[0] }, { integrity_check: 'ok' })
  assert.deepEqual(rowsOf('PRAGMA foreign_key_check'), [])
})

/** The ids that it has printed. Some are killed while they open the database, or recover it. */
async function writeUntilKilled(path: string, repositoryId: string, index: number) {
  const child = spawn(process.execPath, [PROGRAM, path, repositoryId], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close')
  const enough = index % 5 === 0 ? 0 : Math.ceil(Math.random() * 30)
  if (enough === 0) setTimeout(() => child.kill('SIGKILL'), 80 + Math.random() * 120)
  const ids: string[] = []
  // Lines that it had written before are still to be read.
  for await (const id of createInterface(child.stdout)) {
    if (ids.push(id) === enough) child.kill('SIGKILL')
  }
  await closed
  assert.equal(child.signalCode, 'SIGKILL')
  return ids
}
