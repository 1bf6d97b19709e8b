import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#root/test/support/eventually.ts'
import { Stage } from '#root/test/support/stage.ts'
import type { PublishedEvent } from '../../contract/live/live-event.ts'
import type { Job } from '../../core/job/job.ts'
import type { StoreReader } from '../../store/store.ts'
import type { LiveSource } from '../live-source.ts'
import { followLog } from './follow-log.ts'

/** The stage's events as a source, from which some can be kept. */
async function openSource(stage: Stage, keep: (event: PublishedEvent) => boolean = () => true) {
  const listeners = new Set<(event: PublishedEvent) => void>()
  const gaps = new Set<() => void>()
  await stage.broker.subscribeEvents('#', (_topic, { event }) => {
    if (keep(event)) for (const listener of listeners) listener(event)
  })
  const add = <T>(set: Set<T>, item: T): Disposable => {
    set.add(item)
    return { [Symbol.dispose]: () => void set.delete(item) }
  }
  const live: LiveSource = {
    listen: (listener) => add(listeners, listener),
    onGap: (listener) => add(gaps, listener),
  }
  return { live, listeners, tellGap: () => gaps.forEach((gap) => gap()) }
}

function follow(stage: Stage, job: Job, live: LiveSource, from = 0, store?: StoreReader) {
  const leaving = new AbortController()
  const numbers: number[] = []
  const log = { jobId: job.id, attempt: 1 }
  const options = { store: store ?? stage.store, live, log, from, signal: leaving.signal }
  const done = (async () => {
    for await (const { lines } of followLog(options)) {
      numbers.push(...lines.map(({ number }) => number))
    }
  })()
  return { numbers, done, leave: () => leaving.abort() }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)
const texts = (count: number) => range(0, count).map((n) => `line ${n}`)

test('gives what is stored, then what comes, and ends with the attempt', async () => {
  await using stage = await Stage.open()
  const { live, listeners } = await openSource(stage)
  const { job } = await stage.runJob()
  await stage.print(job, 0, texts(1200))
  const { numbers, done } = follow(stage, job, live, 10)
  await eventually(() => numbers.length === 1190)
  await stage.print(job, 1200, texts(5))
  await eventually(() => numbers.length === 1195)
  await stage.finish(job)
  await done
  assert.deepEqual(numbers, range(10, 1205))
  assert.equal(listeners.size, 0)
})

test('has neither hole nor repeat while lines are written all the time', async () => {
  await using stage = await Stage.open()
  const { live } = await openSource(stage)
  const { job } = await stage.runJob()
  const followers = []
  for (let n = 0; n < 60; n++) {
    await stage.print(job, n * 20, texts(20))
    if (n % 10 === 5) followers.push(follow(stage, job, live))
  }
  await stage.finish(job)
  for (const { numbers, done } of followers) {
    await done
    assert.deepEqual(numbers, range(0, 1200))
  }
})

test('reads what was not told from the store', async () => {
  await using stage = await Stage.open()
  let told = 0
  const { live } = await openSource(stage, (event) => {
    return event.type !== 'log.appended' || ++told % 3 === 0
  })
  const { job } = await stage.runJob()
  const { numbers, done } = follow(stage, job, live)
  for (let n = 0; n < 30; n++) await stage.print(job, n, ['x'])
  await eventually(() => assert.deepEqual(numbers, range(0, 30)))
  await stage.finish(job)
  await done
  assert.deepEqual(numbers, range(0, 30))
})

test('reads from the store what was too much to be told', async () => {
  await using stage = await Stage.open()
  const { live } = await openSource(stage)
  const { job } = await stage.runJob()
  const { numbers, done } = follow(stage, job, live)
  await stage.print(job, 0, ['told'])
  await eventually(() => numbers.length === 1)
  stage.isTelling = false
  await stage.print(job, 1, texts(3000))
  stage.isTelling = true
  stage.tell({ type: 'log.grew', jobId: job.id, attempt: 1, lines: 3001 })
  await eventually(() => assert.deepEqual(numbers, range(0, 3001)))
  await stage.finish(job)
  await done
  assert.deepEqual(numbers, range(0, 3001))
})

test('looks into the store when events may have been lost', async () => {
  await using stage = await Stage.open()
  const { live, tellGap } = await openSource(stage)
  const { job } = await stage.runJob()
  const { numbers, done, leave } = follow(stage, job, live)
  await stage.print(job, 0, ['told'])
  await eventually(() => numbers.length === 1)
  stage.isTelling = false
  await stage.print(job, 1, ['not told'])
  tellGap()
  await eventually(() => assert.deepEqual(numbers, [0, 1]))
  leave()
  await done
})

test('waits for an attempt that no runner has taken, and ends when none will', async () => {
  await using stage = await Stage.open()
  const { live } = await openSource(stage)
  const repository = await stage.addRepository()
  const { jobs } = await stage.plan(await stage.addPipeline(repository.id), [{}])
  const [job] = jobs as [Job]
  const { numbers, done } = follow(stage, job, live)
  const state = {
    status: 'finished',
    attempt: 1,
    outcome: 'cancelled',
    finishedAt: Date.now(),
  } as const
  await stage.write((write) => write.jobs.save({ ...job, state }, []))
  await done
  assert.deepEqual(numbers, [])
})

test('the end that is heard while it looks into the store counts', async () => {
  await using stage = await Stage.open()
  let hasHeard = false
  const { live } = await openSource(stage, (event) => {
    hasHeard ||= event.type === 'job.changed' && event.job.status === 'finished'
    return true
  })
  const { job } = await stage.runJob()
  let looks = 0
  const findView: StoreReader['jobs']['findView'] = async (id) => {
    const before = await stage.store.jobs.findView(id)
    if (++looks === 2) {
      await stage.finish(job)
      await eventually(() => hasHeard)
    }
    return before
  }
  const jobs = { ...stage.store.jobs, findView }
  const { done } = follow(stage, job, live, 0, { ...stage.store, jobs })
  await done
  assert.equal(looks, 2)
})

test('a slow reader is sent to the store, and leaves no lines in memory', async () => {
  await using stage = await Stage.open()
  const { live, listeners } = await openSource(stage)
  const { job } = await stage.runJob()
  const log = { jobId: job.id, attempt: 1 }
  const { signal } = new AbortController()
  const batches = followLog({ store: stage.store, live, log, from: 0, signal })
  await batches.next()
  const big = 'x'.repeat(10_000)
  for (let n = 0; n < 20; n++) {
    await stage.print(
      job,
      n * 10,
      texts(10).map(() => big),
    )
  }
  await stage.finish(job)
  const numbers: number[] = []
  for await (const { lines } of batches) numbers.push(...lines.map(({ number }) => number))
  assert.deepEqual(numbers, range(0, 200))
  assert.equal(listeners.size, 0)
})
