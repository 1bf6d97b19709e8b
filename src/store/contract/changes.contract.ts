import assert from 'node:assert/strict'
import { test } from 'node:test'
import { logAppend } from '#root/test/support/log-append.ts'
import { stateChange } from '../../contract/live/live-event.ts'
import type { StoreWriter } from '../store.ts'
import {
  aJob,
  anEvent,
  aRunner,
  lines,
  type OpenDatabase,
  openWorld,
  seedAttempt,
  seedPipeline,
  seedRepository,
} from './fixtures.ts'

export function changesContract(open: OpenDatabase): void {
  test('tells each subject that a transaction changed once, as it is in the end', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { pipeline } = await seedPipeline(store)
    const before = await store.changes.last()
    const job = aJob(pipeline)
    const { changes } = await store.transact(async (write) => {
      const running = { status: 'running', startedAt: 1 } as const
      const saved = await write.pipelines.save({ ...pipeline, state: running })
      await write.jobs.insert([job])
      await write.runners.save(aRunner())
      await write.jobs.save(
        { ...job, state: { status: 'finished', attempt: 1, outcome: 'success', finishedAt: 2 } },
        [],
      )
      await write.pipelines.save({ ...saved, name: 'in the end' })
    })
    assert.deepEqual(
      changes.map(({ type, seq }) => [type, seq - before]),
      [
        ['pipeline.changed', 1],
        ['job.changed', 2],
        ['runner.changed', 3],
      ],
    )
    assert.deepEqual(
      changes.map((change) => stateChange.parse(change)),
      changes,
    )
    const [first, second] = changes
    assert(first?.type === 'pipeline.changed' && second?.type === 'job.changed')
    assert.deepEqual(first.pipeline, await store.pipelines.findView(pipeline.id))
    assert.equal(first.pipeline.name, 'in the end')
    assert.deepEqual(second.job, await store.jobs.findView(job.id))
    assert.equal(await store.changes.last(), before + 3)
    const kept = await store.changes.list({ after: before, limit: 10 })
    assert.deepEqual(kept, { changes, truncated: false })
  })

  test('tells nothing of what is no pipeline, job or runner', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { repository, log } = await seedAttempt(store)
    const before = await store.changes.last()
    const { changes } = await store.transact(async (write) => {
      await write.events.accept([anEvent(repository.id)])
      await write.logs.append(logAppend({ ...log, lastSeq: 1 }, lines(0, 1)))
    })
    assert.deepEqual(changes, [])
    assert.equal(await store.changes.last(), before)
  })

  test('writes nothing of a transaction whose work fails', async () => {
    await using world = await openWorld(open)
    const { store } = world
    await store.transact((write) => write.runners.save(aRunner()))
    const ours = new Error('our own')
    const failing = store.transact(async (write) => {
      await write.runners.save(aRunner())
      throw ours
    })
    await assert.rejects(failing, (error) => error === ours)
    assert.equal((await store.runners.list()).length, 1)
    assert.equal(await store.changes.last(), 1)
    const { changes } = await store.transact((write) => write.runners.save(aRunner()))
    assert.deepEqual(
      changes.map(({ seq }) => seq),
      [2],
    )
  })

  test('lists changes of everything, of one pipeline, and of runners', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { pipeline, job } = await seedAttempt(store)
    await store.transact((write) => write.runners.save(aRunner()))
    const other = await seedPipeline(store)
    await store.transact((write) => write.jobs.save(job, []))
    const list = async (query: Partial<Parameters<typeof store.changes.list>[0]>) => {
      const { changes } = await store.changes.list({ after: 0, limit: 100, ...query })
      return changes.map(({ seq }) => seq)
    }
    assert.deepEqual(await list({}), [1, 2, 3, 4, 5, 6])
    assert.deepEqual(await list({ after: 2, limit: 3 }), [3, 4, 5])
    assert.deepEqual(await list({ scope: { pipelineId: pipeline.id } }), [1, 2, 3, 6])
    assert.deepEqual(await list({ scope: { pipelineId: other.pipeline.id } }), [5])
    assert.deepEqual(await list({ scope: 'runners' }), [4])
    assert.deepEqual(await list({ scope: 'runners', after: 4 }), [])
  })

  test('forgets old changes and says so', async () => {
    await using world = await openWorld(open)
    const { store } = world
    assert.deepEqual(await store.changes.list({ after: 0, limit: 9 }), {
      changes: [],
      truncated: false,
    })
    for (let count = 0; count < 5; count++) {
      await store.transact((write) => write.runners.save(aRunner()))
    }
    await store.transact((write) => write.changes.prune(2))
    const read = async (after: number) => {
      const { changes, truncated } = await store.changes.list({ after, limit: 9 })
      return [truncated, ...changes.map(({ seq }) => seq)]
    }
    assert.deepEqual(await read(0), [true, 4, 5])
    assert.deepEqual(await read(2), [true, 4, 5])
    assert.deepEqual(await read(3), [false, 4, 5])
    assert.deepEqual(await read(5), [false])
    await store.transact((write) => write.changes.prune(0))
    assert.deepEqual(await read(3), [true])
    assert.deepEqual(await read(5), [false])
    assert.equal(await store.changes.last(), 5)
    const { changes } = await store.transact((write) => write.runners.save(aRunner()))
    assert.deepEqual(
      changes.map(({ seq }) => seq),
      [6],
    )
  })

  test('reads in a transaction what it wrote, outside only what was committed', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { event } = await seedPipeline(store)
    const runner = aRunner()
    await store.transact(async (write: StoreWriter) => {
      await write.runners.save(runner)
      assert.deepEqual(await write.runners.find(runner.id), runner)
      const [pipeline] = await write.pipelines.listViews({ limit: 1 })
      assert.equal(pipeline?.event.id, event.id)
      assert.ok(await write.pipelines.find(pipeline.id))
      // Waiting for the transaction to end, this would wait for itself.
      assert.equal(await store.runners.find(runner.id), undefined)
      assert.equal((await store.pipelines.listViews({ limit: 9 })).length, 1)
      await store.ping()
    })
    assert.deepEqual(await store.runners.find(runner.id), runner)
  })

  test('answers a ping', async () => {
    await using world = await openWorld(open)
    await seedRepository(world.store)
    await world.store.ping()
  })
}
