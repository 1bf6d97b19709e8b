import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#root/test/support/eventually.ts'
import { recordedLog } from '#root/test/support/recorded-log.ts'
import { openTestStore } from '#root/test/support/test-store.ts'
import { EmbeddedBroker } from '../broker/embedded.ts'
import type { EventId } from '../core/ids.ts'
import { type Metrics, openMetrics } from '../http/metrics.ts'
import { newId } from '../lib/new-id.ts'
import type { RepositoryRecord } from '../store/records.ts'
import { Intake } from './intake.ts'
import { Sweep } from './sweep.ts'

/** A store with a repository, a broker that counts what it is given, and sweeps over both. */
async function openWorld() {
  await using stack = new AsyncDisposableStack()
  const store = stack.use(await openTestStore())
  const { log, lines } = recordedLog()
  const broker = stack.use(new EmbeddedBroker(log))
  const intake = new Intake({ store, broker, refs: { find: async () => '' }, log })
  const published: EventId[] = []
  const publish = intake.publish.bind(intake)
  intake.publish = (id) => {
    published.push(id)
    publish(id)
  }
  const repository: RepositoryRecord = {
    id: newId('repo'),
    name: 'ada/project',
    forge: 'git',
    cloneUrl: 'https://git.example.test/ada/project.git',
    webhookSecret: 'x',
    pollIntervalMs: 0,
    createdAt: 0,
  }
  await store.transact((write) => write.repositories.insert(repository, []))
  const addEvents = async (count: number): Promise<EventId[]> => {
    const ids = Array.from({ length: count }, () => newId('event'))
    await store.transact(async (write) => {
      for (const [at, id] of ids.entries()) {
        const sha = id.slice(6).padEnd(40, '0').slice(-40)
        await write.events.accept([
          {
            id,
            repositoryId: repository.id,
            kind: 'push',
            ref: 'refs/heads/main',
            sha,
            title: '',
            author: '',
            trust: {},
            source: 'webhook',
            // Many came in the same millisecond.
            receivedAt: 1 + Math.floor(at / 100),
          },
        ])
      }
    })
    return ids
  }
  const create = async (eventId: EventId): Promise<void> => {
    const fresh = { id: newId('pipeline'), eventId, phases: [], createdAt: 1 }
    await store.transact((write) => write.pipelines.create(fresh))
  }
  const startSweep = (intervalMs: number): Sweep & AsyncDisposable & { metrics: Metrics } => {
    const stop = new AbortController()
    const metrics = openMetrics()
    const sweep = new Sweep({ store, broker, intake, metrics, log, intervalMs })
    const running = sweep.run(stop.signal)
    const stopIt = async (): Promise<void> => {
      stop.abort()
      await running
    }
    return Object.assign(sweep, { metrics, [Symbol.asyncDispose]: stopIt })
  }
  const owned = stack.move()
  return {
    store,
    broker,
    lines,
    published,
    repository,
    addEvents,
    create,
    startSweep,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

test('every pending event has its turn, though those before it never get a pipeline', async () => {
  await using world = await openWorld()
  const { broker, store } = world
  const ids = await world.addEvents(2_600)
  const good = new Set(ids.slice(-100))
  await using _ = await broker.consumeCommits(
    async (id) => {
      if (good.has(id)) await world.create(id)
    },
    { prefetch: 50 },
  )
  await using _sweep = world.startSweep(100)
  await eventually(
    async () => {
      const query = { before: Date.now(), limit: 5_000 }
      assert.equal((await store.events.listPending(query)).length, 2_500)
    },
    { timeoutMs: 20_000 },
  )
})

test('puts little on a queue that is full anyway', async () => {
  await using world = await openWorld()
  await world.addEvents(2_000)
  await using _one = world.startSweep(600_000)
  await eventually(() => world.published.length >= 1_000)
  await using _other = world.startSweep(600_000)
  await eventually(() => world.published.length >= 1_050)
  const stats = await world.broker.stats()
  assert.ok((stats?.commitsReady ?? 0) <= 1_100, JSON.stringify(stats))
})

test('an event that never gets a pipeline is told of, swept less and less often, and kept', async () => {
  await using world = await openWorld()
  const [id] = await world.addEvents(1)
  let deliveries = 0
  await using _ = await world.broker.consumeCommits(async () => void deliveries++, { prefetch: 1 })
  await using sweep = world.startSweep(5)
  await eventually(() => assert.deepEqual(sweep.stuck, [id]))
  const text = await sweep.metrics.metrics()
  assert.match(text, /narwhal_commits_stuck 1/)
  assert.equal(
    world.lines.filter((line) => line.includes('commit stuck: requeued repeatedly')).length,
    1,
  )
  // Twice as long each time: after the fifth, at least eighty milliseconds.
  assert.ok(deliveries <= 8, `${deliveries} deliveries`)
  const pending = await world.store.events.listPending({ before: Date.now(), limit: 10 })
  assert.deepEqual(
    pending.map((event) => event.id),
    [id],
  )
  await world.create(id as EventId)
  await eventually(() => sweep.stuck.length === 0)
})

test('what a removed repository had pending is neither queued nor built', async () => {
  await using world = await openWorld()
  const [id] = await world.addEvents(1)
  await world.store.transact((write) => write.repositories.remove(world.repository.id))
  await using _sweep = world.startSweep(5)
  await assert.rejects(world.create(id as EventId), { code: 'not_found' })
  assert.deepEqual(world.published, [])
})
