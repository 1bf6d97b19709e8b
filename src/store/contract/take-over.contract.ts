import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DispatcherId, PipelineId } from '../../core/ids.ts'
import { holdersOf, seedPipelines, takeSeats } from './dispatcher-fixtures.ts'
import { type OpenDatabase, openWorld, seedPipeline } from './fixtures.ts'

const ONE = 'dispatcher_one'
const TWO = 'dispatcher_two'

export function takeOverContract(open: OpenDatabase): void {
  test('gives each free pipeline to exactly one of those who take at once', async () => {
    await using world = await openWorld(open)
    const stores = [world.store, await world.connect(), await world.connect()]
    const pipelines = await seedPipelines(
      world.store,
      Array.from({ length: 20 }, (_, index) => ({ createdAt: index })),
    )
    let term = 1
    for (let round = 0; round < 5; round++) {
      const seats = stores.map((_, index): DispatcherId => `dispatcher_${round}_${index}`)
      const before = await world.store.dispatchers.list()
      await takeSeats(world.store, ...seats)
      await world.store.transact((write) => write.dispatchers.endSeats(before))
      const taken = await Promise.all(
        stores.map(async (store, index) => {
          const { result } = await store.transact((write) =>
            write.pipelines.takeFree(seats[index]!),
          )
          return result.map((id) => [id, seats[index]] as const)
        }),
      )
      term++
      assert.equal(taken.flat().length, pipelines.length)
      const holders = new Map<PipelineId, DispatcherId | undefined>(taken.flat())
      assert.deepEqual(
        await holdersOf(world.store, pipelines),
        pipelines.map(({ id }) => `${holders.get(id)} ${term}`),
      )
    }
  })

  test('lets a dispatcher whose seat is being ended take before, or not at all', async () => {
    await using world = await openWorld(open)
    const stores = [world.store, await world.connect()] as const
    const pipelines = await seedPipelines(world.store, [{ createdAt: 1 }, { createdAt: 2 }])
    for (let round = 0; round < 10; round++) {
      const doomed: DispatcherId = `dispatcher_doomed_${round}`
      await takeSeats(world.store, TWO, doomed)
      const [taking, inheriting] = await Promise.allSettled([
        stores[0].transact((write) => write.pipelines.takeFree(doomed)),
        stores[1].transact(async (write) => {
          await write.dispatchers.endSeats([{ id: doomed }])
          return write.pipelines.takeFree(TWO)
        }),
      ])
      if (taking.status === 'rejected') assert.equal(taking.reason.code, 'stale')
      assert.equal(inheriting.status, 'fulfilled')
      // Whichever came first, nothing is left with the one that is gone.
      const holders = await holdersOf(world.store, pipelines)
      for (const holder of holders) assert.match(holder, new RegExp(`^${TWO} `))
      await world.store.transact((write) => write.dispatchers.endSeats([{ id: TWO }]))
    }
  })

  test('lets nobody take a pipeline while its dispatcher writes', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const other = await world.connect()
    const reader = await world.connect()
    await takeSeats(store, ONE, TWO)
    const { pipeline } = await seedPipeline(store)
    await store.transact((write) => write.pipelines.take(pipeline.id, ONE))
    let isTaken = false
    let taking: Promise<void> | undefined
    await store.transact(async (write) => {
      await write.pipelines.lock([pipeline.id])
      await write.pipelines.guard(pipeline.id, ONE, 2)
      taking ??= other
        .transact((transaction) => transaction.pipelines.take(pipeline.id, TWO))
        .then(() => void (isTaken = true))
      for (let round = 0; round < 50; round++) {
        assert.deepEqual(await holdersOf(reader, [pipeline]), [`${ONE} 2`])
      }
      assert.equal(isTaken, false)
      const { pipeline: found } = (await write.pipelines.find(pipeline.id))!
      await write.pipelines.save({ ...found, name: 'the last words' })
    })
    await taking
    assert.deepEqual(await holdersOf(store, [pipeline]), [`${TWO} 3`])
    assert.equal((await store.pipelines.findView(pipeline.id))?.name, 'the last words')
    const late = store.transact((write) => write.pipelines.guard(pipeline.id, ONE, 2))
    await assert.rejects(late, { code: 'stale' })
  })
}
