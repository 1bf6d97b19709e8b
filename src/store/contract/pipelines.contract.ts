import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pipelineView } from '../../contract/rest/views.ts'
import type { Pipeline } from '../../core/pipeline/pipeline.ts'
import { present } from '../../lib/present.ts'
import type { PipelineFilter } from '../ports/pipelines.ts'
import type { Store } from '../store.ts'
import {
  aJob,
  anEvent,
  aPipeline,
  type OpenDatabase,
  openWorld,
  seedPipeline,
  seedRepository,
} from './fixtures.ts'

export function pipelinesContract(open: OpenDatabase): void {
  test('lists what waits for approval, the longest waiting first, and nothing else', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = await seedRepository(store)
    const seed = async (ref: string, over: Partial<Pipeline>): Promise<Pipeline> => {
      const event = { ...anEvent(repository.id), ref, kind: 'pull_request' } as const
      const { result } = await store.transact(async (write) => {
        await write.events.accept([event])
        const { pipeline } = await write.pipelines.create(aPipeline(event))
        return await write.pipelines.save({ ...pipeline, ...over })
      })
      return result
    }
    const running = { status: 'running', startedAt: 1 } as const
    const ended = { status: 'finished', outcome: 'cancelled', finishedAt: 2 } as const
    const toRun = (since?: number) =>
      ({ status: 'needed', for: 'run', ...present({ since }) }) as const
    const late = await seed('refs/pull/1/head', { state: running, approval: toRun(20) })
    const early = await seed('refs/pull/2/head', { state: running, approval: toRun(10) })
    const barred = await seed('refs/pull/3/head', {
      state: { ...ended, outcome: 'error' },
      approval: { status: 'needed', since: 30 },
    })
    // What was cancelled, is not waited for any more, or was given.
    await seed('refs/pull/4/head', { state: ended, approval: toRun(5) })
    await seed('refs/pull/5/head', { state: running, approval: toRun() })
    await seed('refs/pull/6/head', { state: running, approval: { status: 'given', at: 1 } })
    const list = async (query: object) =>
      (await store.pipelines.listAwaiting({ limit: 10, ...query })).map(({ id }) => id)
    assert.deepEqual(await list({}), [early.id, late.id, barred.id])
    assert.deepEqual(await list({ limit: 1 }), [early.id])
    assert.deepEqual(await list({ before: 20 }), [early.id])
    assert.deepEqual(await list({ repositoryId: repository.id, ref: 'refs/pull/1/head' }), [
      late.id,
    ])
    assert.deepEqual(await list({ belowNumber: late.number + 1 }), [late.id])
    assert.deepEqual(await list({ repositoryId: 'repo_0' }), [])
    assert.deepEqual(await list({ isClosed: true }), [])
    const close = { repositoryId: repository.id, ref: 'refs/pull/1/head', at: 2 ** 41 }
    await store.transact((write) => write.events.noteClosed(close))
    assert.deepEqual(await list({ isClosed: true }), [late.id])
    // Somebody wants it all the same, and has it run again.
    const again = { rerunOf: late.id, createdAt: close.at + 1 }
    const { eventId } = late
    const { result: rerun } = await store.transact(async (write) => {
      const event = await store.events.find(eventId)
      assert.ok(event)
      const { pipeline } = await write.pipelines.create(aPipeline(event, again))
      return await write.pipelines.save({ ...pipeline, state: running, approval: toRun(50) })
    })
    assert.deepEqual(await list({ isClosed: true }), [late.id])
    await store.transact((write) => write.events.noteClosed({ ...close, at: close.at + 2 }))
    assert.deepEqual(await list({ isClosed: true }), [late.id, rerun.id])
    const given = { ...rerun, approval: { status: 'given', at: 60 } } as const
    await store.transact((write) => write.pipelines.save(given))
    const approved = { ...early, approval: { status: 'given', at: 40 } } as const
    await store.transact((write) => write.pipelines.save(approved))
    assert.deepEqual(await list({}), [late.id, barred.id])
  })

  test('keeps which files a commit changes, and why it waits', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { pipeline } = await seedPipeline(store)
    const changed = { pipeline: ['narwhal.yml'], others: ['größer.txt'], total: 7 }
    const approval = {
      status: 'needed',
      for: 'run',
      since: 5,
      because: 'forge_silent',
      words: 'it answered 500',
    } as const
    const state = { status: 'running', startedAt: 1 } as const
    assert.equal(pipeline.changed, undefined)
    await store.transact((write) => write.pipelines.save({ ...pipeline, state, approval, changed }))
    const read = (await store.pipelines.find(pipeline.id))?.pipeline
    assert.deepEqual([read?.changed, read?.approval], [changed, approval])
    const view = await store.pipelines.findView(pipeline.id)
    assert.deepEqual(pipelineView.parse(view), view)
    assert.deepEqual([view?.changed, view?.approval], [changed, approval])
  })

  test('numbers the pipelines of each repository from 1', async () => {
    await using world = await openWorld(open)
    const { store } = world
    for (const _ of [1, 2]) {
      const repository = await seedRepository(store)
      for (const number of [1, 2, 3]) {
        const event = anEvent(repository.id)
        const { result } = await store.transact(async (write) => {
          await write.events.accept([event])
          return write.pipelines.create(aPipeline(event, { phases: [] }))
        })
        assert.equal(result.pipeline.number, number)
        assert.equal(result.created, true)
      }
    }
  })

  test('gives an event one pipeline besides its reruns', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { event, pipeline } = await seedPipeline(store)
    const repository = await store.repositories.find(event.repositoryId)
    const second = await store.transact((write) => write.pipelines.create(aPipeline(event)))
    assert.deepEqual(second.result, { pipeline, repository, created: false })
    assert.deepEqual(second.changes, [])

    const rerun = aPipeline(event, { rerunOf: pipeline.id })
    const third = await store.transact((write) => write.pipelines.create(rerun))
    assert.equal(third.result.created, true)
    assert.equal(third.result.pipeline.rerunOf, pipeline.id)
    assert.equal(third.result.pipeline.number, 2)
    const repeated = await store.transact((write) => write.pipelines.create(rerun))
    assert.deepEqual(repeated.result, { ...third.result, created: false })
  })

  test('refuses a write that names an older version', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { pipeline } = await seedPipeline(store)
    const running: Pipeline = {
      ...pipeline,
      name: 'app',
      state: { status: 'running', startedAt: 4000 },
    }
    const { result: saved } = await store.transact((write) => write.pipelines.save(running))
    assert.deepEqual(saved, { ...running, version: pipeline.version + 1 })
    assert.deepEqual((await store.pipelines.find(pipeline.id))?.pipeline, saved)
    const stale = store.transact((write) => write.pipelines.save({ ...running, name: 'other' }))
    await assert.rejects(stale, { code: 'conflict' })
    const stray = store.transact((write) => write.pipelines.save({ ...saved, id: 'pipeline_none' }))
    await assert.rejects(stray, { code: 'conflict' })
    assert.deepEqual((await store.pipelines.find(pipeline.id))?.pipeline, saved)
  })

  test('tells all of a pipeline', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { repository, event, pipeline } = await seedPipeline(store)
    const finished: Pipeline = {
      ...pipeline,
      name: 'app',
      state: {
        status: 'finished',
        outcome: 'error',
        reason: 'no\0 plan',
        startedAt: 1,
        finishedAt: 2,
      },
      problems: [{ message: 'unknown key', line: 2, column: 1, excerpt: 'stepz:\n^' }],
      phases: [{ name: 'planned', startedAt: 3000, durationMs: 0.25 }],
    }
    const jobs = [0, 1].map((position) => aJob(pipeline, { position }))
    const { result: saved } = await store.transact(async (write) => {
      await write.jobs.insert(jobs.toReversed())
      return write.pipelines.save(finished)
    })
    assert.deepEqual(await store.pipelines.find(pipeline.id), {
      pipeline: saved,
      event,
      repository,
      jobs,
    })
    const view = await store.pipelines.findView(pipeline.id)
    assert.deepEqual(pipelineView.parse(view), view)
    assert.equal(view?.outcome, 'error')
    assert.equal(view.reason, 'no\0 plan')
    assert.deepEqual(view.problems, finished.problems)
    assert.equal(await store.pipelines.find('pipeline_none'), undefined)
    assert.equal(await store.pipelines.findView('pipeline_none'), undefined)
  })

  test('lists pipelines by what has become of them, newest first', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { repository, pipelines } = await seedSeveral(store)
    const list = async (filter: Partial<PipelineFilter>) =>
      ids(await store.pipelines.listViews({ repositoryId: repository.id, limit: 10, ...filter }))
    assert.deepEqual(await list({ status: 'pending' }), ids(pipelines.toReversed()))
    const [first, second, ...others] = pipelines as [Pipeline, Pipeline, ...Pipeline[]]
    await store.transact(async (write) => {
      await write.pipelines.save({ ...first, state: { status: 'running', startedAt: 1 } })
      const state = { status: 'finished', outcome: 'success', finishedAt: 2 } as const
      await write.pipelines.save({ ...second, state })
    })
    assert.deepEqual(await list({ status: 'pending' }), ids(others.toReversed()))
    assert.deepEqual(await list({ status: 'running' }), [first.id])
    assert.deepEqual(await list({ outcome: 'success' }), [second.id])
    assert.deepEqual(await list({ status: 'pending', outcome: 'success' }), [])
  })

  test('lists pipelines newest first, page after page, by every filter', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { repository, pipelines } = await seedSeveral(store)
    const other = await seedPipeline(store)
    const newest = [other.pipeline.id, ...ids(pipelines).toReversed()]
    const list = async (filter: Partial<PipelineFilter>) =>
      ids(await store.pipelines.listViews({ limit: 10, ...filter }))
    assert.deepEqual(await list({}), newest)
    assert.deepEqual(await list({ limit: 2 }), newest.slice(0, 2))
    assert.deepEqual(await list({ limit: 2, before: newest[1]! }), newest.slice(2, 4))
    assert.deepEqual(await list({ before: newest.at(-1)! }), [])
    assert.deepEqual(await list({ repositoryId: repository.id }), newest.slice(1))
    assert.deepEqual(await list({ ref: 'refs/heads/two' }), [pipelines[1]?.id])
    assert.deepEqual(await list({ author: 'Author 3' }), [pipelines[2]?.id])
    assert.deepEqual(await list({ kind: 'tag' }), [pipelines[3]?.id])
    assert.deepEqual(await list({ text: 'heads/TWO' }), [pipelines[1]?.id])
    assert.deepEqual(await list({ text: 'author 3' }), [pipelines[2]?.id])
    assert.deepEqual(await list({ text: 'ÄNDERUNG 1' }), [pipelines[0]?.id])
    assert.deepEqual(await list({ text: '100%_\\' }), [pipelines[3]?.id])
    assert.deepEqual(await list({ text: repository.name.toUpperCase() }), newest.slice(1))
    assert.deepEqual(await list({ text: other.event.sha.slice(0, 40) }), [other.pipeline.id])
    assert.deepEqual(await list({ text: '\0' }), [])
  })

  test('lists hundreds of pipelines', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = await seedRepository(store)
    await store.transact(async (write) => {
      for (let count = 0; count < 300; count++) {
        const event = anEvent(repository.id)
        await write.events.accept([event])
        await write.pipelines.create(aPipeline(event))
      }
    })
    const views = await store.pipelines.listViews({ limit: 5000 })
    const numbers = Array.from({ length: 300 }, (_, index) => 300 - index)
    assert.deepEqual(
      views.map((view) => view.number),
      numbers,
    )
  })
}

/** Four pipelines that differ in what can be looked for. */
async function seedSeveral(store: Store) {
  const repository = await seedRepository(store, { name: 'acme/searched' })
  const events = [
    anEvent(repository.id, { title: 'Änderung 1' }),
    anEvent(repository.id, { ref: 'refs/heads/two' }),
    anEvent(repository.id, { author: 'Author 3' }),
    anEvent(repository.id, { kind: 'tag', title: 'now 100%_\\ done' }),
  ]
  const { result: pipelines } = await store.transact(async (write) => {
    const created: Pipeline[] = []
    for (const [index, event] of events.entries()) {
      await write.events.accept([event])
      // Two of each millisecond.
      const createdAt = 100 + Math.floor(index / 2)
      created.push((await write.pipelines.create(aPipeline(event, { createdAt }))).pipeline)
    }
    return created
  })
  return { repository, events, pipelines }
}

function ids<Id>(all: readonly { readonly id: Id }[]): Id[] {
  return all.map(({ id }) => id)
}
