import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from 'pg'
import { eventually } from '../../../test/support/eventually.ts'
import { freshDatabase, testService } from '../../../test/support/services.ts'
import { silentLog } from '../../lib/log.ts'
import { anEvent, aPipeline, seedRepository } from '../contract/fixtures.ts'
import { openStore } from '../open-store.ts'
import type { Store } from '../store.ts'

const { skip } = testService('postgres')

test('leaves out what somebody is writing to, without waiting, and takes it the next time', {
  skip,
}, async () => {
  await using database = await freshDatabase()
  await using store = await openStore({ kind: 'postgres', url: database.url }, silentLog())
  const [held, other] = await seedFree(store)
  await store.transact((write) =>
    write.dispatchers.takeSeat({ id: 'dispatcher_next', startedAt: 1 }),
  )
  const take = async (): Promise<readonly string[]> => {
    const { result } = await store.transact((write) => write.pipelines.takeFree('dispatcher_next'))
    return result
  }
  // A former dispatcher was stopped in the middle of this, say.
  await store.transact(async (write) => {
    await write.pipelines.guard(held, 'dispatcher_gone', 1)
    assert.deepEqual(await take(), [other])
  })
  assert.deepEqual(await take(), [held])
})

test('makes whoever ends a seat wait for what its owner is taking', { skip }, async () => {
  await using database = await freshDatabase()
  await using store = await openStore({ kind: 'postgres', url: database.url }, silentLog())
  const [id] = await seedFree(store)
  await store.transact(async (write) => {
    for (const seat of ['dispatcher_one', 'dispatcher_two', 'dispatcher_gone'] as const) {
      await write.dispatchers.takeSeat({ id: seat, startedAt: 1 })
    }
  })
  let inheriting: Promise<readonly string[]> | undefined
  // Until this is committed, the pipeline looks like that of another with a seat.
  await store.transact(async (write) => {
    await write.pipelines.take(id, 'dispatcher_one')
    inheriting ??= store
      .transact(async (transaction) => {
        await transaction.dispatchers.endSeats([{ id: 'dispatcher_one' }])
        return transaction.pipelines.takeFree('dispatcher_two')
      })
      .then(({ result }) => result)
    await eventually(() => isWaiting(database.url))
  })
  assert.deepEqual(await inheriting, [id])
  const found = await store.pipelines.find(id)
  assert.equal(found?.pipeline.dispatcherId, 'dispatcher_two')
  assert.equal(found.pipeline.term, 3)
})

/** Two pipelines of a dispatcher that is gone, in the order of their ids. */
async function seedFree(store: Store) {
  const repository = await seedRepository(store)
  const ids = ['pipeline_1', 'pipeline_2'] as const
  for (const id of ids) {
    const event = anEvent(repository.id)
    await store.transact(async (write) => {
      await write.events.accept([event])
      await write.pipelines.create(aPipeline(event, { id, dispatcherId: 'dispatcher_gone' }))
    })
  }
  return ids
}

/** Whether somebody waits for a lock in this database. */
async function isWaiting(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rowCount } = await client.query(
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return (rowCount ?? 0) > 0
  } finally {
    await client.end()
  }
}
