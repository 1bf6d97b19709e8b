import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DispatcherId } from '../../core/ids.ts'
import type { Store } from '../store.ts'
import { holdersOf, seedPipelines, takeSeats } from './dispatcher-fixtures.ts'
import { type OpenDatabase, openWorld, seedPipeline } from './fixtures.ts'

const ONE = 'dispatcher_one'
const TWO = 'dispatcher_two'

export function dispatchersContract(open: OpenDatabase): void {
  test('keeps seats with their heartbeats until they are ended', async () => {
    await using world = await openWorld(open)
    const { store } = world
    await takeSeats(store, TWO)
    const one = { id: ONE, url: 'http://127.0.0.1:4748', startedAt: 5 } as const
    await store.transact((write) => write.dispatchers.takeSeat(one))
    await store.transact((write) => write.dispatchers.takeSeat(one))
    assert.deepEqual(await store.dispatchers.list(), [
      { id: TWO, heartbeats: 0, startedAt: 1 },
      { ...one, heartbeats: 0 },
    ])
    const { result, changes } = await store.transact((write) => write.dispatchers.heartbeat(ONE))
    assert.equal(result, true)
    assert.deepEqual(changes, [])
    assert.deepEqual(await heartbeatsOf(store), [0, 1])

    await store.transact((write) => write.dispatchers.endSeats([{ id: ONE }]))
    assert.equal((await store.transact((write) => write.dispatchers.heartbeat(ONE))).result, false)
    assert.deepEqual(await heartbeatsOf(store), [0])
  })

  test('ends no seat that has sent a heartbeat since it was observed', async () => {
    await using world = await openWorld(open)
    const { store } = world
    await takeSeats(store, ONE, TWO)
    await store.transact((write) => write.dispatchers.heartbeat(ONE))
    const observed = [ONE, TWO].map((id) => ({ id: id as DispatcherId, heartbeats: 0 }))
    await store.transact((write) => write.dispatchers.endSeats(observed))
    assert.deepEqual(
      (await store.dispatchers.list()).map(({ id }) => id),
      [ONE],
    )
  })

  test('gives out what is open and free, under new terms, oldest first', async () => {
    await using world = await openWorld(open)
    const { store } = world
    await takeSeats(store, ONE, TWO)
    const [ended, second, first, own] = await seedPipelines(store, [
      { createdAt: 10 },
      { createdAt: 30 },
      { createdAt: 20, dispatcherId: 'dispatcher_gone' },
      { createdAt: 5, dispatcherId: TWO },
    ])
    assert.equal(own?.dispatcherId, TWO)
    const end = { status: 'finished', outcome: 'success', finishedAt: 40 } as const
    await store.transact((write) => write.pipelines.save({ ...ended!, state: end }))

    const { result, changes } = await store.transact((write) => write.pipelines.takeFree(ONE))
    assert.deepEqual(result, [first?.id, second?.id])
    // Nobody is shown who sees a pipeline through.
    assert.deepEqual(changes, [])
    assert.deepEqual(await holdersOf(store, [ended, second, first, own]), [
      'nobody 1',
      `${ONE} 2`,
      `${ONE} 2`,
      `${TWO} 1`,
    ])
    assert.deepEqual((await store.transact((write) => write.pipelines.takeFree(ONE))).result, [])

    const { result: inherited } = await store.transact(async (write) => {
      await write.dispatchers.endSeats([{ id: ONE }])
      return write.pipelines.takeFree(TWO)
    })
    assert.deepEqual(inherited, [first?.id, second?.id])
    assert.deepEqual(await holdersOf(store, [first]), [`${TWO} 3`])
  })

  test('gives one pipeline to whoever asks, and nothing changes if it has it', async () => {
    await using world = await openWorld(open)
    const { store } = world
    await takeSeats(store, ONE, TWO)
    const { pipeline } = await seedPipeline(store)
    for (const by of [ONE, ONE, TWO, TWO, ONE] as const) {
      await store.transact((write) => write.pipelines.take(pipeline.id, by))
    }
    assert.deepEqual(await holdersOf(store, [pipeline]), [`${ONE} 4`])
    assert.equal((await store.pipelines.find(pipeline.id))?.pipeline.version, pipeline.version)
  })

  test('gives nothing to whoever has no seat', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { pipeline } = await seedPipeline(store)
    for (const seat of ['never taken', 'ended'] as const) {
      if (seat === 'ended') await takeSeats(store, ONE)
      await store.transact((write) => write.dispatchers.endSeats([{ id: ONE }]))
      const all = store.transact((write) => write.pipelines.takeFree(ONE))
      await assert.rejects(all, { code: 'stale', message: /dispatcher_one/ }, seat)
      const single = store.transact((write) => write.pipelines.take(pipeline.id, ONE))
      await assert.rejects(single, { code: 'stale' }, seat)
    }
    assert.deepEqual(await holdersOf(store, [pipeline]), ['nobody 1'])
  })

  test('lets only the dispatcher of the present term write', async () => {
    await using world = await openWorld(open)
    const { store } = world
    await takeSeats(store, ONE, TWO)
    const { pipeline } = await seedPipeline(store)
    await store.transact((write) => write.pipelines.take(pipeline.id, ONE))
    const write = (by: DispatcherId, term: number, isLocked = false) =>
      store.transact(async (transaction) => {
        if (isLocked) await transaction.pipelines.lock([pipeline.id, 'pipeline_none'])
        await transaction.pipelines.guard(pipeline.id, by, term)
        const { pipeline: found } = (await transaction.pipelines.find(pipeline.id))!
        await transaction.pipelines.save({ ...found, name: `${by} ${term}` })
      })
    await write(ONE, 2)
    await store.transact((transaction) => transaction.pipelines.take(pipeline.id, TWO))
    for (const [by, term] of [
      [ONE, 2],
      [ONE, 3],
      [TWO, 2],
    ] as const) {
      for (const isLocked of [false, true]) {
        await assert.rejects(write(by, term, isLocked), {
          code: 'stale',
          message: /it is dispatcher_two in term 3/,
        })
      }
    }
    assert.equal((await store.pipelines.findView(pipeline.id))?.name, `${ONE} 2`)
    // A seat that has ended frees the pipeline; until it is taken, its last words still count.
    await store.transact((transaction) => transaction.dispatchers.endSeats([{ id: TWO }]))
    await write(TWO, 3)
    await write(TWO, 3, true)
    const unknown = store.transact(async (transaction) => {
      await transaction.pipelines.lock(['pipeline_none', pipeline.id])
      await transaction.pipelines.guard('pipeline_none', ONE, 1)
    })
    await assert.rejects(unknown, { code: 'stale', message: /it is gone/ })
  })
}

async function heartbeatsOf(store: Store): Promise<number[]> {
  return (await store.dispatchers.list()).map(({ heartbeats }) => heartbeats)
}
