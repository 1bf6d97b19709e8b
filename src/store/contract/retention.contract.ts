import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { eventually } from '#root/test/support/eventually.ts'
import { logAppend } from '#root/test/support/log-append.ts'
import type { Job } from '../../core/job/job.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { Pipeline } from '../../core/pipeline/pipeline.ts'
import { newId } from '../../lib/new-id.ts'
import type { RemovedSome, RetentionWriter } from '../ports/retention.ts'
import type { RepositoryRecord } from '../records.ts'
import type { Store } from '../store.ts'
import {
  aJob,
  anAttempt,
  anEvent,
  aPipeline,
  aRepository,
  lines,
  type OpenDatabase,
  openWorld,
} from './fixtures.ts'

const REMOVAL = { at: 9_000, rule: 'keep-pipelines 1d' }
const MiB = 1024 * 1024

interface Ended {
  readonly pipeline: Pipeline
  readonly job: Job
}

/** A pipeline that has ended, with a job that has printed so many lines. */
async function endedPipeline(
  store: Store,
  repository: RepositoryRecord,
  { outcome = 'success' as Outcome, printed = 3, width = 0, createdAt = 3000 } = {},
): Promise<Ended> {
  const { result } = await store.transact(async (write) => {
    const [accepted] = await write.events.accept([anEvent(repository.id)])
    assert.ok(accepted)
    const { pipeline } = await write.pipelines.create(aPipeline(accepted.event, { createdAt }))
    const job = aJob(pipeline, { attempts: [anAttempt({ lines: 0, lastSeq: 0 })] })
    await write.jobs.insert([job])
    const log = { jobId: job.id, attempt: 1, fence: 1 }
    for (let from = 0, seq = 1; from < printed; from += 10, seq++) {
      const some = lines(from, Math.min(10, printed - from)).map((line) => ({
        ...line,
        text: `${line.text}${randomBytes(width / 2).toString('hex')}`,
      }))
      await write.logs.append(logAppend({ ...log, lastSeq: seq }, some))
    }
    const state = { status: 'finished', outcome, finishedAt: createdAt + 1 } as const
    return { pipeline: await write.pipelines.save({ ...pipeline, state }), job }
  })
  return result
}

/** Takes steps until there are no more, and tells each. */
async function takeAll(
  store: Store,
  step: (write: RetentionWriter) => Promise<RemovedSome>,
): Promise<RemovedSome[]> {
  const steps: RemovedSome[] = []
  for (;;) {
    const { result } = await store.transact((write) => step(write.retention))
    steps.push(result)
    if (!result.hasMore) return steps
    assert.ok(steps.length < 10_000)
  }
}

export function retentionContract(open: OpenDatabase): void {
  test('removes a long log in steps of two megabytes at the most, and notes when it went', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = aRepository()
    await store.transact((write) => write.repositories.insert(repository, []))
    const { pipeline, job } = await endedPipeline(store, repository, {
      printed: 120,
      width: 60_000,
    })
    const bytes = await store.retention.logBytes(pipeline.id)
    const steps = await takeAll(store, (write) => write.removeLogs(pipeline.id, REMOVAL))
    assert.ok(steps.every((one) => one.bytes <= 2 * MiB))
    assert.equal(
      steps.reduce((sum, one) => sum + one.bytes, 0),
      bytes,
    )
    assert.equal(await store.retention.logBytes(pipeline.id), 0)
    assert.deepEqual(await store.logs.read({ jobId: job.id, attempt: 1 }, 0, 10), [])
    assert.deepEqual(await store.retention.findLogRemoval(pipeline.id), REMOVAL)
    // What is said of the pipeline stays.
    assert.equal((await store.pipelines.find(pipeline.id))?.jobs.length, 1)
    assert.equal(
      (await store.retention.listAged(repository.id, { limit: 5 }))[0]?.logsRemovedAt,
      9_000,
    )
  })

  test('removes a pipeline with all that is its own, and knows that it did', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = aRepository()
    await store.transact((write) => write.repositories.insert(repository, []))
    const { pipeline, job } = await endedPipeline(store, repository)
    const other = await endedPipeline(store, repository)
    const steps = await takeAll(store, (write) => write.removePipeline(pipeline.id, REMOVAL))
    assert.equal(steps.at(-1)?.isDone, true)
    assert.equal(await store.pipelines.find(pipeline.id), undefined)
    assert.equal(await store.jobs.find(job.id), undefined)
    assert.equal(await store.events.find(pipeline.eventId), undefined)
    assert.deepEqual(await store.retention.findRemoval(pipeline.id), REMOVAL)
    assert.deepEqual(await store.retention.findRemoval(job.id), REMOVAL)
    assert.equal((await store.pipelines.find(other.pipeline.id))?.jobs.length, 1)
    assert.equal(await store.retention.findRemoval(other.job.id), undefined)
    // Its number is never given out again.
    const next = await endedPipeline(store, repository)
    assert.equal(next.pipeline.number, 3)
  })

  test('keeps what goes on, what is the rerun of another, and the event of what a ref points to', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = aRepository()
    await store.transact((write) => write.repositories.insert(repository, []))
    const { pipeline } = await endedPipeline(store, repository)
    const { result } = await store.transact((write) =>
      write.pipelines.create({
        ...aPipeline({ ...anEvent(repository.id), id: pipeline.eventId }),
        rerunOf: pipeline.id,
      }),
    )
    const rerun = result.pipeline
    const remove = (id: Pipeline['id']) =>
      takeAll(store, (write) => write.removePipeline(id, REMOVAL))
    assert.deepEqual((await remove(pipeline.id)).at(-1)?.isDone, false)
    assert.deepEqual((await remove(rerun.id)).at(-1)?.isDone, false)
    const event = await store.events.find(pipeline.eventId)
    assert.ok(event)
    await store.transact(async (write) => {
      const state = { status: 'finished', outcome: 'success', finishedAt: 1 } as const
      await write.pipelines.save({ ...rerun, state })
      await write.events.accept([{ ...event, id: newId('event') }])
    })
    await remove(rerun.id)
    assert.equal((await remove(pipeline.id)).at(-1)?.isDone, true)
    assert.ok(await store.events.find(pipeline.eventId))
  })

  test('tells pipelines newest first, from a place that may be gone', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = aRepository()
    await store.transact((write) => write.repositories.insert(repository, []))
    const made = []
    for (let n = 0; n < 5; n++) {
      made.push(await endedPipeline(store, repository, { createdAt: 3000 + n }))
    }
    const first = await store.retention.listAged(repository.id, { limit: 2 })
    const after = first.at(-1)
    assert.ok(after)
    await takeAll(store, (write) => write.removePipeline(after.id, REMOVAL))
    const rest = await store.retention.listAged(repository.id, { after, limit: 10 })
    assert.deepEqual(
      [...first, ...rest].map(({ id }) => id),
      made.map(({ pipeline }) => pipeline.id).reverse(),
    )
    assert.deepEqual(rest[0], {
      id: made[2]?.pipeline.id,
      createdAt: 3002,
      number: 3,
      ref: 'refs/heads/main',
      finishedAt: 3003,
      outcome: 'success',
    })
  })

  test('nothing is left of a repository that was removed but the numbers that it gave out', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = aRepository({ name: 'acme/gone' })
    await store.transact(async (write) => {
      await write.repositories.insert(repository, [{ ref: 'refs/heads/main', sha: 'a'.repeat(40) }])
      await write.secrets.save({
        repositoryId: repository.id,
        name: 'KEY',
        sealed: 'x',
        createdAt: 1,
        updatedAt: 1,
      } as Parameters<typeof write.secrets.save>[0])
    })
    const { pipeline } = await endedPipeline(store, repository)
    await endedPipeline(store, repository)
    const sweep = () => takeAll(store, (write) => write.sweepRepository(repository.id))
    // Not while it is there, nor while it has pipelines.
    assert.equal((await sweep()).at(-1)?.isDone, false)
    await store.transact((write) => write.repositories.remove(repository.id))
    assert.equal((await sweep()).at(-1)?.isDone, false)
    for (const { id } of await store.retention.listAged(repository.id, { limit: 9 })) {
      await takeAll(store, (write) => write.removePipeline(id, REMOVAL))
    }
    assert.equal((await sweep()).at(-1)?.isDone, true)
    assert.deepEqual(await store.retention.listRules(), [])
    assert.equal(await store.events.find(pipeline.eventId), undefined)
    assert.deepEqual(await store.heads.list(repository.id), [])
    const again = aRepository({ name: 'Acme/Gone' })
    await store.transact((write) => write.repositories.insert(again, []))
    assert.equal((await endedPipeline(store, again)).pipeline.number, 3)
  })

  test('a repository that was registered anew goes on with the numbers of its name', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const first = aRepository({ name: 'acme/app' })
    await store.transact((write) => write.repositories.insert(first, []))
    await endedPipeline(store, first)
    await store.transact((write) => write.repositories.remove(first.id))
    const second = aRepository({ name: 'acme/app' })
    await store.transact((write) => write.repositories.insert(second, []))
    assert.equal((await endedPipeline(store, second)).pipeline.number, 2)
  })

  test('keeps the rules of repositories, and forgets the oldest of what it knows to have gone', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = aRepository()
    await store.transact((write) => write.repositories.insert(repository, []))
    assert.deepEqual(await store.retention.listRules(), [
      { id: repository.id, name: repository.name },
    ])
    await store.transact((write) =>
      write.retention.setRules(repository.id, { logs: 86_400_000, pipelines: 'forever' }),
    )
    assert.deepEqual(await store.retention.listRules(), [
      { id: repository.id, name: repository.name, logs: 86_400_000, pipelines: 'forever' },
    ])
    const old = await endedPipeline(store, repository)
    const newer = await endedPipeline(store, repository)
    await takeAll(store, (write) => write.removePipeline(old.pipeline.id, { ...REMOVAL, at: 1 }))
    await takeAll(store, (write) => write.removePipeline(newer.pipeline.id, REMOVAL))
    const forget = () => store.transact((write) => write.retention.forgetRemovals(2))
    assert.ok((await forget()).result > 0)
    assert.equal((await forget()).result, 0)
    assert.equal(await store.retention.findRemoval(old.pipeline.id), undefined)
    assert.deepEqual(await store.retention.findRemoval(newer.pipeline.id), REMOVAL)
  })

  test('a database that is new has no days of grace, and says what it takes', async () => {
    await using world = await openWorld(open)
    assert.equal(await world.store.retention.begins(), 0)
    assert.ok((await world.store.room()).usedBytes > 0)
  })

  test('says what room is left behind by what was removed', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = aRepository()
    await store.transact((write) => write.repositories.insert(repository, []))
    const left = async () => {
      const { freeInsideBytes, deadRows = 0 } = await store.room()
      return freeInsideBytes + deadRows
    }
    const before = await left()
    const { pipeline } = await endedPipeline(store, repository, { printed: 300, width: 2_000 })
    await takeAll(store, (write) => write.removePipeline(pipeline.id, REMOVAL))
    // A connection of PostgreSQL publishes what it has counted up to 10 s after its last transaction.
    const patient = { timeoutMs: 30_000 }
    await eventually(async () => assert.ok((await left()) > before), patient)
  })
}
