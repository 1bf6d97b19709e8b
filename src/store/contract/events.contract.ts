import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EventId } from '../../core/ids.ts'
import { present } from '../../lib/present.ts'
import type { DeliveryRecord } from '../delivery-records.ts'
import type { PendingEvent } from '../records.ts'
import {
  anEvent,
  aPipeline,
  type OpenDatabase,
  openWorld,
  seedPipeline,
  seedRepository,
} from './fixtures.ts'

export function eventsContract(open: OpenDatabase): void {
  test('accepts a commit event once, whoever tells of it', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = await seedRepository(store)
    const told = anEvent(repository.id)
    const polled = anEvent(repository.id, {
      sha: told.sha,
      source: 'poll',
      trust: {},
    })
    const first = await store.transact((write) => write.events.accept([told]))
    const second = await store.transact((write) => write.events.accept([polled]))
    assert.deepEqual(first.result, [{ event: told, created: true }])
    assert.deepEqual(second.result, [{ event: told, created: false }])
    assert.deepEqual(await store.events.find(told.id), told)
    assert.equal(await store.events.find(polled.id), undefined)
  })

  test('accepts many commit events at once, each once, or none of them', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const [one, other] = [await seedRepository(store), await seedRepository(store)]
    const known = anEvent(one.id)
    await store.transact((write) => write.events.accept([known]))
    const fresh = Array.from({ length: 1_200 }, (_, index) =>
      anEvent(index % 2 ? one.id : other.id, { ref: `refs/heads/${index}` }),
    )
    const [first] = fresh
    assert.ok(first)
    const replay = anEvent(first.repositoryId, { sha: first.sha, ref: first.ref })
    const again = anEvent(one.id, { sha: known.sha, ref: known.ref })
    const lost = [anEvent(one.id), anEvent('repo_gone')]
    const refused = store.transact((write) => write.events.accept(lost))
    await assert.rejects(refused, { code: 'not_found', message: /repo_gone/ })
    const { result } = await store.transact((write) =>
      write.events.accept([again, ...fresh, replay]),
    )
    assert.deepEqual(result, [
      { event: known, created: false },
      ...fresh.map((event) => ({ event, created: true })),
      { event: first, created: false },
    ])
    const pending = await store.events.listPending({ before: 1e15, limit: 2_000 })
    assert.equal(pending.length, 1 + fresh.length)
  })

  test('accepts each run by hand', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = await seedRepository(store)
    const sha = 'a'.repeat(40)
    for (const _ of [1, 2]) {
      const event = anEvent(repository.id, { kind: 'manual', source: 'manual', sha })
      const { result } = await store.transact((write) => write.events.accept([event]))
      assert.deepEqual(result, [{ event, created: true }])
    }
  })

  test('knows a delivery again', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = await seedRepository(store)
    const event = anEvent(repository.id)
    const accepted: DeliveryRecord = {
      forge: 'github',
      deliveryId: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      repositoryId: repository.id,
      disposition: 'accepted',
      eventId: event.id,
      receivedAt: 2000,
    }
    await store.transact(async (write) => {
      await write.events.accept([event])
      await write.deliveries.record([accepted])
    })
    const { eventId: _, ...rest } = accepted
    const ignored: DeliveryRecord = { ...rest, disposition: 'ignored', reason: 'a ping' }
    await store.transact((write) => write.deliveries.record([ignored]))
    assert.deepEqual(await store.deliveries.listByIds('github', [accepted.deliveryId]), [accepted])

    const other: DeliveryRecord = { ...ignored, deliveryId: 'other' }
    await store.transact((write) => write.deliveries.record([other, other]))
    assert.deepEqual(await store.deliveries.listByIds('github', ['none\0', 'other']), [other])
    assert.deepEqual(await store.deliveries.listByIds('github', []), [])
  })

  test('lists events without a pipeline, oldest first', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = await seedRepository(store)
    const events = [5, 3, 4, 9].map((receivedAt) => anEvent(repository.id, { receivedAt }))
    const [five, three, four, nine] = events.map(({ id }) => id)
    await store.transact(async (write) => {
      await write.events.accept(events)
    })
    const list = async (before: number, limit: number, after?: PendingEvent) => {
      const query = { before, limit, ...present({ after }) }
      return (await store.events.listPending(query)).map(({ id }) => id)
    }
    assert.deepEqual(await list(9, 10), [three, four, five])
    assert.deepEqual(await list(10, 2), [three, four])
    assert.deepEqual(await list(10, 2, { id: four as EventId, receivedAt: 4 }), [five, nine])
    // The page goes on there, also when the last of the one before has got its pipeline meanwhile.
    assert.deepEqual(await list(10, 2, { id: 'event_zzz', receivedAt: 3 }), [four, five])
    await store.transact(async (write) => {
      for (const event of events.slice(0, 3)) await write.pipelines.create(aPipeline(event))
    })
    assert.deepEqual(await list(10, 10), [nine])
  })

  test('ends what waits for a pipeline when its repository is removed', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const [gone, kept] = [await seedRepository(store), await seedRepository(store)]
    const [lost, built] = [anEvent(gone.id), anEvent(gone.id)]
    const waiting = anEvent(kept.id)
    const pipeline = aPipeline(built)
    await store.transact(async (write) => {
      await write.events.accept([lost, built, waiting])
      await write.pipelines.create(pipeline)
      await write.repositories.remove(gone.id)
    })
    const pending = await store.events.listPending({ before: 1e15, limit: 10 })
    assert.deepEqual(pending, [{ id: waiting.id, receivedAt: waiting.receivedAt }])
    assert.deepEqual(await store.events.find(lost.id), lost)
    const late = store.transact((write) => write.pipelines.create(aPipeline(lost)))
    await assert.rejects(late, { code: 'not_found', message: /repository was removed/ })
    const again = await store.transact((write) => write.pipelines.create(aPipeline(built)))
    assert.deepEqual([again.result.created, again.result.pipeline.id], [false, pipeline.id])
    const { result: left } = await store.transact((write) => write.events.endOfRemoved())
    assert.equal(left, 0)
  })

  test('describes an event that came without a title, and its pipelines with it', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { event, pipeline } = await seedPipeline(store)
    const text = { title: 'Feed the Whale', author: 'Grace' }
    const { changes } = await store.transact((write) => write.events.describe(event.id, text))
    assert.deepEqual(await store.events.find(event.id), { ...event, ...text })
    const view = await store.pipelines.findView(pipeline.id)
    assert.equal(view?.event.title, text.title)
    assert.deepEqual(
      changes.map((change) => change.type === 'pipeline.changed' && change.pipeline),
      [view],
    )
    assert.deepEqual(await store.pipelines.listViews({ text: 'feed the w', limit: 5 }), [view])
    assert.deepEqual(await store.pipelines.listViews({ text: 'roof', limit: 5 }), [])
  })

  test('keeps hostile text, with pictures for what no database takes', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = await seedRepository(store)
    const title = `'; DROP TABLE jobs; -- \u{1f40b} \u0001 \u202e <script> \ufffe`
    const event = anEvent(repository.id, {
      title: `${title}\0`,
      author: '\ud83d',
      ref: `refs/heads/${'\u{1f40b}'.repeat(500)}`,
    })
    const { result } = await store.transact((write) => write.events.accept([event]))
    const kept = { ...event, title: `${title}\u2400`, author: '\ufffd' }
    assert.deepEqual(result, [{ event: kept, created: true }])
    assert.deepEqual(await store.events.find(event.id), kept)
    const again = await store.transact((write) =>
      write.events.accept([anEvent(repository.id, { ref: event.ref, sha: event.sha })]),
    )
    assert.deepEqual(again.result, [{ event: kept, created: false }])
  })
}
