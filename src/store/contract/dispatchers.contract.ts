import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DispatcherId, PipelineId } from '../../core/ids.ts'
import type { PipelineRecord } from '../records.ts'
import type { Store } from '../store.ts'
import {
  anEvent,
  aPipeline,
  type OpenDatabase,
  openWorld,
  seedPipeline,
  seedRepository,
} from './fixtures.ts'

const ONE = 'dispatcher_one'
const TWO = 'dispatcher_two'

export function dispatchersContract(open: OpenDatabase): void {
  test('keeps seats with their beats until they are ended', async () => {
    await using world = await openWorld(open)
    const { store } = world
    await takeSeats(store, TWO)
    const one = { id: ONE, url: 'http://127.0.0.1:4748', startedAt: 5 } as const
    await store.transact((write) => write.takeSeat(one))
    await store.transact((write) => write.takeSeat(one))
    assert.deepEqual(await store.listDispatchers(), [
      { id: TWO, beats: 0, startedAt: 1 },
      { ...one, beats: 0 },
    ])
    const { result, changes } = await store.transact((write) => write.beat(ONE))
    assert.equal(result, true)
    assert.deepEqual(changes, [])
    assert.deepEqual(await beatsOf(store), [0, 1])

    await store.transact((write) => write.endSeats([{ id: ONE }]))
    assert.equal((await store.transact((write) => write.beat(ONE))).result, false)
    assert.deepEqual(await beatsOf(store), [0])
  })

  test('ends no seat that has beaten since it was observed', async () => {
    await using world = await openWorld(open)
    const { store } = world
    await takeSeats(store, ONE, TWO)
    await store.transact((write) => write.beat(ONE))
    const observed = [ONE, TWO].map((id) => ({ id: id as DispatcherId, beats: 0 }))
    await store.transact((write) => write.endSeats(observed))
    assert.deepEqual(
      (await store.listDispatchers()).map(({ id }) => id),
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
    await store.transact((write) => write.savePipeline({ ...ended!, state: end }))

    const { result, changes } = await store.transact((write) => write.takeFreePipelines(ONE))
    assert.deepEqual(result, [first?.id, second?.id])
    // Nobody is shown who sees a pipeline through.
    assert.deepEqual(changes, [])
    assert.deepEqual(await holdersOf(store, [ended, second, first, own]), [
      'nobody 1',
      `${ONE} 2`,
      `${ONE} 2`,
      `${TWO} 1`,
    ])
    assert.deepEqual((await store.transact((write) => write.takeFreePipelines(ONE))).result, [])

    const { result: inherited } = await store.transact(async (write) => {
      await write.endSeats([{ id: ONE }])
      return write.takeFreePipelines(TWO)
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
      await store.transact((write) => write.takePipeline(pipeline.id, by))
    }
    assert.deepEqual(await holdersOf(store, [pipeline]), [`${ONE} 4`])
    assert.equal((await store.findPipeline(pipeline.id))?.pipeline.version, pipeline.version)
  })

  test('gives nothing to whoever has no seat', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { pipeline } = await seedPipeline(store)
    for (const seat of ['never taken', 'ended'] as const) {
      if (seat === 'ended') await takeSeats(store, ONE)
      await store.transact((write) => write.endSeats([{ id: ONE }]))
      const all = store.transact((write) => write.takeFreePipelines(ONE))
      await assert.rejects(all, { code: 'stale', message: /dispatcher_one/ }, seat)
      const single = store.transact((write) => write.takePipeline(pipeline.id, ONE))
      await assert.rejects(single, { code: 'stale' }, seat)
    }
    assert.deepEqual(await holdersOf(store, [pipeline]), ['nobody 1'])
  })

  test('lets only the dispatcher of the present term write', async () => {
    await using world = await openWorld(open)
    const { store } = world
    await takeSeats(store, ONE, TWO)
    const { pipeline } = await seedPipeline(store)
    await store.transact((write) => write.takePipeline(pipeline.id, ONE))
    const write = (by: DispatcherId, term: number) =>
      store.transact(async (transaction) => {
        await transaction.guardPipeline(pipeline.id, by, term)
        const { pipeline: found } = (await transaction.findPipeline(pipeline.id))!
        await transaction.savePipeline({ ...found, name: `${by} ${term}` })
      })
    await write(ONE, 2)
    await store.transact((transaction) => transaction.takePipeline(pipeline.id, TWO))
    for (const [by, term] of [
      [ONE, 2],
      [ONE, 3],
      [TWO, 2],
    ] as const) {
      await assert.rejects(write(by, term), {
        code: 'stale',
        message: /it is dispatcher_two in term 3/,
      })
    }
    assert.equal((await store.findPipelineView(pipeline.id))?.name, `${ONE} 2`)
    // A seat that has ended frees the pipeline; until it is taken, its last words still count.
    await store.transact((transaction) => transaction.endSeats([{ id: TWO }]))
    await write(TWO, 3)
    const unknown = store.transact((transaction) =>
      transaction.guardPipeline('pipeline_none', ONE, 1),
    )
    await assert.rejects(unknown, { code: 'stale', message: /it is gone/ })
  })

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
      const before = await world.store.listDispatchers()
      await takeSeats(world.store, ...seats)
      await world.store.transact((write) => write.endSeats(before))
      const taken = await Promise.all(
        stores.map(async (store, index) => {
          const { result } = await store.transact((write) => write.takeFreePipelines(seats[index]!))
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
        stores[0].transact((write) => write.takeFreePipelines(doomed)),
        stores[1].transact(async (write) => {
          await write.endSeats([{ id: doomed }])
          return write.takeFreePipelines(TWO)
        }),
      ])
      if (taking.status === 'rejected') assert.equal(taking.reason.code, 'stale')
      assert.equal(inheriting.status, 'fulfilled')
      // Whichever came first, nothing is left with the one that is gone.
      const holders = await holdersOf(world.store, pipelines)
      for (const holder of holders) assert.match(holder, new RegExp(`^${TWO} `))
      await world.store.transact((write) => write.endSeats([{ id: TWO }]))
    }
  })

  test('lets nobody take a pipeline while its dispatcher writes', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const other = await world.connect()
    const reader = await world.connect()
    await takeSeats(store, ONE, TWO)
    const { pipeline } = await seedPipeline(store)
    await store.transact((write) => write.takePipeline(pipeline.id, ONE))
    let isTaken = false
    let taking: Promise<void> | undefined
    await store.transact(async (write) => {
      await write.guardPipeline(pipeline.id, ONE, 2)
      taking ??= other
        .transact((transaction) => transaction.takePipeline(pipeline.id, TWO))
        .then(() => void (isTaken = true))
      for (let round = 0; round < 50; round++) {
        assert.deepEqual(await holdersOf(reader, [pipeline]), [`${ONE} 2`])
      }
      assert.equal(isTaken, false)
      const { pipeline: found } = (await write.findPipeline(pipeline.id))!
      await write.savePipeline({ ...found, name: 'the last words' })
    })
    await taking
    assert.deepEqual(await holdersOf(store, [pipeline]), [`${TWO} 3`])
    assert.equal((await store.findPipelineView(pipeline.id))?.name, 'the last words')
    const late = store.transact((write) => write.guardPipeline(pipeline.id, ONE, 2))
    await assert.rejects(late, { code: 'stale' })
  })
}

async function takeSeats(store: Store, ...ids: readonly DispatcherId[]): Promise<void> {
  await store.transact(async (write) => {
    for (const id of ids) await write.takeSeat({ id, startedAt: 1 })
  })
}

async function beatsOf(store: Store): Promise<number[]> {
  return (await store.listDispatchers()).map(({ beats }) => beats)
}

/** Pipelines of one repository, each of an event of its own. */
async function seedPipelines(
  store: Store,
  wanted: readonly { createdAt: number; dispatcherId?: DispatcherId }[],
): Promise<PipelineRecord[]> {
  const repository = await seedRepository(store)
  const pipelines: PipelineRecord[] = []
  for (const over of wanted) {
    const event = anEvent(repository.id)
    const { result } = await store.transact(async (write) => {
      await write.acceptEvent(event)
      return write.createPipeline(aPipeline(event, over))
    })
    pipelines.push(result.pipeline)
  }
  return pipelines
}

/** Whose each is, and in which term: `dispatcher_one 2`. */
async function holdersOf(
  store: Store,
  pipelines: readonly (PipelineRecord | undefined)[],
): Promise<string[]> {
  const holders: string[] = []
  for (const pipeline of pipelines) {
    const found = await store.findPipeline(pipeline!.id)
    holders.push(`${found?.pipeline.dispatcherId ?? 'nobody'} ${found?.pipeline.term}`)
  }
  return holders
}
