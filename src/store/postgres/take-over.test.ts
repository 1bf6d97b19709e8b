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

test('takes nothing from one that took its seat and the pipeline while it waited', {
  skip,
}, async () => {
  await using database = await freshDatabase()
  await using store = await openStore({ kind: 'postgres', url: database.url }, silentLog())
  const [held, other] = await seedFree(store)
  await store.transact((write) => write.takeSeat({ id: 'dispatcher_slow', startedAt: 1 }))
  let slow: Promise<readonly string[]> | undefined
  // Its last dispatcher writes to the one, so that who takes all must wait for it.
  await store.transact(async (write) => {
    await write.guardPipeline(held, 'dispatcher_gone', 1)
    slow ??= store
      .transact((transaction) => transaction.takeFreePipelines('dispatcher_slow'))
      .then(({ result }) => result)
    await eventually(() => isWaiting(database.url))
    await store.transact((quick) => quick.takeSeat({ id: 'dispatcher_quick', startedAt: 1 }))
    await store.transact((quick) => quick.takePipeline(other, 'dispatcher_quick'))
  })
  assert.deepEqual(await slow, [held])
  const kept = await store.findPipeline(other)
  assert.equal(kept?.pipeline.dispatcherId, 'dispatcher_quick')
  assert.equal(kept.pipeline.term, 2)
})

test('makes whoever ends a seat wait for what its owner is taking', { skip }, async () => {
  await using database = await freshDatabase()
  await using store = await openStore({ kind: 'postgres', url: database.url }, silentLog())
  const [id] = await seedFree(store)
  await store.transact(async (write) => {
    for (const seat of ['dispatcher_one', 'dispatcher_two', 'dispatcher_gone'] as const) {
      await write.takeSeat({ id: seat, startedAt: 1 })
    }
  })
  let inheriting: Promise<readonly string[]> | undefined
  // Until this is committed, the pipeline looks like that of another with a seat.
  await store.transact(async (write) => {
    await write.takePipeline(id, 'dispatcher_one')
    inheriting ??= store
      .transact(async (transaction) => {
        await transaction.endSeats([{ id: 'dispatcher_one' }])
        return transaction.takeFreePipelines('dispatcher_two')
      })
      .then(({ result }) => result)
    await eventually(() => isWaiting(database.url))
  })
  assert.deepEqual(await inheriting, [id])
  const found = await store.findPipeline(id)
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
      await write.acceptEvent(event)
      await write.createPipeline(aPipeline(event, { id, dispatcherId: 'dispatcher_gone' }))
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
