import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Concurrency } from '../../core/concurrency/concurrency.ts'
import type { Job } from '../../core/job/job.ts'
import type { JobState } from '../../core/job/job-state.ts'
import type { Pipeline } from '../../core/pipeline/pipeline.ts'
import { present } from '../../lib/present.ts'
import type { RepositoryRecord } from '../records.ts'
import type { Store } from '../store.ts'
import {
  aJob,
  anEvent,
  aPipeline,
  type OpenDatabase,
  openWorld,
  seedRepository,
} from './fixtures.ts'

const prod: Concurrency = { group: 'prod', limit: 2 }

async function seedJob(
  store: Store,
  repository: RepositoryRecord,
  over: { spec?: Partial<Job['spec']>; state?: JobState } = {},
): Promise<{ pipeline: Pipeline; job: Job }> {
  const event = anEvent(repository.id)
  const { result } = await store.transact(async (write) => {
    await write.events.accept([event])
    const { pipeline } = await write.pipelines.create(aPipeline(event))
    const plain = aJob(pipeline)
    const spec = { ...plain.spec, concurrency: prod, ...over.spec }
    const job = { ...plain, spec, ...present({ state: over.state }) }
    await write.jobs.insert([job])
    return { pipeline, job }
  })
  return result
}

const running: JobState = {
  status: 'running',
  attempt: 1,
  queuedAt: 4000,
  runnerId: 'runner_1',
  fence: 1,
  assignedAt: 5000,
  startedAt: 5001,
}
const finished: JobState = { status: 'finished', attempt: 1, outcome: 'success', finishedAt: 9 }

/** As a dispatcher assigns a job: it takes its place, or writes nothing. */
async function assign(store: Store, job: Job): Promise<Job | undefined> {
  const { result } = await store.transact(async (write) => {
    const member = { id: job.id, repositoryId: job.repositoryId }
    if (!(await write.groups.enter(member, prod))) return undefined
    return await write.jobs.save({ ...job, state: running }, [])
  })
  return result
}

export function groupsContract(open: OpenDatabase): void {
  test('strangers share no group with others of its name, and the smallest limit counts', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = await seedRepository(store)
    const own = await seedJob(store, repository, { spec: { concurrency: { ...prod, limit: 1 } } })
    const theirs: Concurrency = { ...prod, ofStrangers: true }
    const other = await seedJob(store, repository, { spec: { concurrency: theirs } })
    const enter = async (job: Job, concurrency: Concurrency): Promise<boolean> => {
      const { result } = await store.transact((write) => write.groups.enter(job, concurrency))
      return result
    }
    const idsOf = async (ofStrangers: boolean) =>
      (await store.groups.list(repository.id, 'prod', ofStrangers)).map(({ id }) => id)
    assert.deepEqual(await idsOf(false), [own.job.id])
    assert.deepEqual(await idsOf(true), [other.job.id])
    assert.equal(await enter(other.job, theirs), true)
    assert.equal(await enter(own.job, { ...prod, limit: 1 }), true)
    const greedy = { ...prod, limit: 1000 }
    const late = await seedJob(store, repository, { spec: { concurrency: greedy } })
    assert.equal(await enter(late.job, greedy), false)
  })

  test('lets only so many into a group, in their order, however many ask at once', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const stores = [store, await world.connect()]
    const repository = await seedRepository(store)
    let waiting: Job[] = []
    for (let i = 0; i < 7; i++) waiting.push((await seedJob(store, repository)).job)
    const ended: string[] = []
    while (waiting.length > 0) {
      // Each through both stores: as when two dispatchers have the pipelines.
      const tries = await Promise.allSettled(
        waiting.flatMap((job) => stores.map((one) => assign(one, job))),
      )
      const entered = tries.flatMap((one) => (one.status === 'fulfilled' ? (one.value ?? []) : []))
      const next = waiting.slice(0, 2).map(({ id }) => id)
      assert.deepEqual(entered.map(({ id }) => id).toSorted(), next.toSorted())
      const members = await store.groups.list(repository.id, 'prod')
      const holding = members.filter(({ state }) => state === 'holding')
      assert.deepEqual(holding.map(({ id }) => id).toSorted(), next.toSorted())
      for (const job of entered) {
        await store.transact((write) => write.jobs.save({ ...job, state: finished }, []))
        ended.push(job.id)
      }
      waiting = waiting.filter(({ id }) => !ended.includes(id))
    }
    assert.deepEqual(await store.groups.list(repository.id, 'prod'), [])
  })

  test('a place goes with what happens to its job, and with nothing else', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = await seedRepository(store)
    const blocked = { status: 'blocked', attempt: 1 } as const
    const { pipeline, job } = await seedJob(store, repository, { state: blocked })
    const state = async () => (await store.groups.list(repository.id, 'prod'))[0]?.state
    assert.equal(await state(), 'blocked')
    const save = async (one: Job, next: JobState): Promise<Job> =>
      (await store.transact((write) => write.jobs.save({ ...one, state: next }, []))).result
    const queued = await save(job, { status: 'queued', attempt: 1, queuedAt: 4000 })
    assert.equal(await state(), 'waiting')
    const held = await assign(store, queued)
    assert.ok(held)
    assert.equal(await state(), 'holding')
    assert.equal(
      (await store.transact((write) => write.groups.enter(job, prod))).result,
      true,
      'who has a place has it',
    )
    const again = await save(held, { status: 'queued', attempt: 2, queuedAt: 7000 })
    assert.deepEqual(await store.groups.list(repository.id, 'prod'), [
      {
        id: job.id,
        pipelineId: pipeline.id,
        pipelineNumber: pipeline.number,
        ref: 'refs/heads/main',
        jobName: 'build',
        position: 0,
        state: 'waiting',
        since: 7000,
        limit: 2,
      },
    ])
    await save(again, finished)
    assert.equal(await state(), undefined)
  })

  test('takes no place when the transaction is undone, and none of another repository', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = await seedRepository(store)
    const { job } = await seedJob(store, repository)
    const undone = store.transact(async (write) => {
      await write.groups.enter(job, prod)
      throw new Error('undone')
    })
    await assert.rejects(undone, /undone/)
    assert.equal((await store.groups.list(repository.id, 'prod'))[0]?.state, 'waiting')
    const other = await seedRepository(store)
    assert.deepEqual(await store.groups.list(other.id, 'prod'), [])
    assert.equal((await store.jobs.listQueued(10))[0]?.job.id, job.id)
  })

  test('a pipeline is in its group from when it runs until it has ended', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = await seedRepository(store)
    const { pipeline } = await seedJob(store, repository, { spec: { concurrency: prod } })
    const all = { group: 'all', limit: 1 }
    const save = async (one: Pipeline): Promise<Pipeline> =>
      (await store.transact((write) => write.pipelines.save(one))).result
    const started = { status: 'running', startedAt: 3500 } as const
    const planned = await save({ ...pipeline, concurrency: all, state: started })
    assert.deepEqual((await store.pipelines.find(pipeline.id))?.pipeline, planned)
    assert.equal((await store.pipelines.findView(pipeline.id))?.concurrencyGroup, 'all')
    assert.deepEqual((await store.jobs.listQueued(10))[0]?.concurrency, all)
    await store.transact((write) => write.groups.enter(pipeline, all))
    const named = await save({ ...planned, name: 'still running' })
    const [member] = await store.groups.list(repository.id, 'all')
    assert.deepEqual(
      [member?.id, member?.state, member?.jobName],
      [pipeline.id, 'holding', undefined],
    )
    const end = { status: 'finished', outcome: 'success', finishedAt: 9 } as const
    await save({ ...named, state: end })
    assert.deepEqual(await store.groups.list(repository.id, 'all'), [])
  })
}
