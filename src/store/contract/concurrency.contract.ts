import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logAppend } from '#root/test/support/log-append.ts'
import type { Store } from '../store.ts'
import {
  anEvent,
  aPipeline,
  aRunner,
  lines,
  type OpenDatabase,
  openWorld,
  seedAttempt,
  seedPipeline,
  seedRepository,
} from './fixtures.ts'

const ROUNDS = 25

export function concurrencyContract(open: OpenDatabase): void {
  test('shows changes of several writers in ascending order, without holes', async () => {
    await using world = await openWorld(open)
    const { connect } = world
    const [one, two, reader] = [world.store, await connect(), await connect()]
    const writing = Promise.all([one, one, two, two].map((store) => writeRunners(store)))
    // Each two runners in every third of the rounds less, which are undone.
    const total = 4 * 2 * (ROUNDS - Math.ceil(ROUNDS / 3))
    const seen: number[] = []
    while (seen.length < total) {
      const { changes } = await reader.changes.list({ after: seen.at(-1) ?? 0, limit: 7 })
      seen.push(...changes.map(({ seq }) => seq))
      assert.ok((await reader.changes.last()) >= (seen.at(-1) ?? 0))
    }
    await writing
    assert.deepEqual(
      seen,
      Array.from({ length: total }, (_, index) => index + 1),
    )
    assert.equal(await reader.changes.last(), total)
  })

  test('gives no number of a pipeline twice and leaves none out, whoever creates them', async () => {
    await using world = await openWorld(open)
    const stores = [world.store, await world.connect()]
    const repository = await seedRepository(world.store)
    const events = Array.from({ length: 24 }, () => anEvent(repository.id))
    // Every event through both stores: as when two dispatchers get the same message.
    const answers = await Promise.all(
      stores.flatMap((store) =>
        events.map(async (event) => {
          await store.transact((write) => write.events.accept([event]))
          const { result } = await store.transact((write) =>
            write.pipelines.create(aPipeline(event)),
          )
          return result
        }),
      ),
    )
    const created = answers.filter((answer) => answer.created).map(({ pipeline }) => pipeline)
    assert.deepEqual(
      created.map(({ number }) => number).toSorted((a, b) => a - b),
      events.map((_, index) => index + 1),
    )
    assert.deepEqual(
      new Set(answers.map(({ pipeline }) => pipeline.id)),
      new Set(created.map(({ id }) => id)),
    )
    assert.equal((await world.store.pipelines.listViews({ limit: 100 })).length, events.length)
  })

  test('accepts an event once, however many tell of it at the same time', async () => {
    await using world = await openWorld(open)
    const stores = [world.store, await world.connect()]
    const repository = await seedRepository(world.store)
    const sha = 'c'.repeat(40)
    const answers = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const event = anEvent(repository.id, { sha })
        const store = stores[index % 2]!
        return (await store.transact((write) => write.events.accept([event]))).result[0]
      }),
    )
    assert.equal(answers.filter((answer) => answer?.created).length, 1)
    assert.equal(new Set(answers.map((answer) => answer?.event.id)).size, 1)
  })

  test('lets one of two writers of the same version win', async () => {
    await using world = await openWorld(open)
    const stores = [world.store, await world.connect()]
    const { pipeline } = await seedPipeline(world.store)
    const outcomes = await Promise.allSettled(
      stores.map((store) => store.transact((write) => write.pipelines.save(pipeline))),
    )
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
    assert.equal(refused.length, 1)
    assert.equal(refused[0]?.reason.code, 'conflict')
    const found = await world.store.pipelines.find(pipeline.id)
    assert.equal(found?.pipeline.version, pipeline.version + 1)
  })

  test('keeps a log whole when the same lines come twice at once', async () => {
    await using world = await openWorld(open)
    const stores = [world.store, await world.connect()]
    const { log } = await seedAttempt(world.store)
    for (let round = 0; round < 5; round++) {
      await Promise.all(
        stores.map((store) =>
          store.transact((write) =>
            write.logs.append(logAppend({ ...log, lastSeq: round }, lines(0, 10 * (round + 1)))),
          ),
        ),
      )
    }
    assert.deepEqual(await world.store.logs.read(log, 0, 100), lines(0, 50))
  })
}

/** Two changes in each transaction; every third transaction is undone. */
async function writeRunners(store: Store): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const isUndone = round % 3 === 0
    const written = store.transact(async (write) => {
      await write.runners.save(aRunner())
      await write.runners.save(aRunner())
      if (isUndone) throw new Error('undone')
    })
    await (isUndone ? assert.rejects(written, /undone/) : written)
  }
}
