import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeliveryRecord, LookupRecord, RefusedDeliveries } from '../delivery-records.ts'
import { anEvent, type OpenDatabase, openWorld, seedPipeline, seedRepository } from './fixtures.ts'

export function lookupsContract(open: OpenDatabase): void {
  test('a lookup belongs to the one who moved its time, and is ended by that one alone', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { id: repositoryId } = await seedRepository(store)
    const lookup: LookupRecord = {
      forge: 'gogs',
      deliveryId: 'd1',
      repositoryId,
      events: [
        { kind: 'tag', ref: 'refs/tags/v1', title: '', author: 'Ada', facts: { actorId: 7 } },
      ],
      lookup: { object: 'a'.repeat(40) },
      receivedAt: 1000,
      dueAt: 1000,
      looks: 0,
      failures: 0,
    }
    const later = { ...lookup, deliveryId: 'd2', dueAt: 3000 }
    await store.transact((write) => write.lookups.insert([later, lookup]))
    assert.deepEqual(await store.lookups.listDue(2000, 5), [lookup])
    assert.deepEqual(await store.lookups.listDue(3000, 1), [lookup])
    assert.equal(await store.lookups.nextDueAt(), 1000)

    const other = await world.connect()
    const [one, two] = [
      { dueAt: 5000, looks: 1, failures: 2 },
      { dueAt: 6000, looks: 3, failures: 4 },
    ]
    const claims = await Promise.all([
      store.transact((write) => write.lookups.update(lookup, one)),
      other.transact((write) => write.lookups.update(lookup, two)),
    ])
    const [hasOne, hasTwo] = claims.map(({ result }) => result)
    assert.notEqual(hasOne, hasTwo)
    const claimed = { ...lookup, ...(hasOne ? one : two) }
    assert.equal(await store.lookups.nextDueAt(), 3000)
    assert.deepEqual(await store.lookups.listDue(9000, 5), [later, claimed])

    const end = async (record: LookupRecord) =>
      (await store.transact((write) => write.lookups.end(record))).result
    assert.equal(await end(lookup), false)
    assert.equal(await end(claimed), true)
    assert.equal(await end(claimed), false)
    assert.equal(await end(later), true)
    assert.equal(await store.lookups.nextDueAt(), undefined)
  })

  test('a delivery gets its result later, and only one without a commit is recorded again', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { event, pipeline } = await seedPipeline(store)
    const { repositoryId } = event
    const subject = { event: 'create', ref: 'refs/tags/v1' }
    const base = { forge: 'gogs', deliveryId: 'd1', repositoryId, receivedAt: 2000 } as const
    const first: DeliveryRecord = { ...base, disposition: 'resolving', subject }
    const record = (one: DeliveryRecord) =>
      store.transact((write) => write.deliveries.record([one]))
    const recent = () => store.deliveries.listRecent(repositoryId, 10)
    await record(first)
    assert.deepEqual(await recent(), [first])
    const lost = { disposition: 'unresolved', reason: 'not there' } as const
    await store.transact((write) => write.deliveries.setResult(first, lost))
    assert.deepEqual(await recent(), [{ ...first, ...lost }])
    await record({ ...first, receivedAt: 3000 })
    assert.deepEqual(await recent(), [{ ...first, receivedAt: 3000 }])
    const found = { disposition: 'accepted', eventId: event.id } as const
    await store.transact((write) => write.deliveries.setResult(first, found))
    await record({ ...first, receivedAt: 4000 })
    const { id, number } = pipeline
    const known = { ...first, ...found, receivedAt: 3000, pipeline: { id, number } }
    assert.deepEqual(await recent(), [known])

    const more = [1, 2, 3].map((at): DeliveryRecord => {
      return { ...base, deliveryId: `m${at}`, disposition: 'ignored', receivedAt: 5000 + at }
    })
    await store.transact((write) => write.deliveries.record(more))
    const newest = await store.deliveries.listRecent(repositoryId, 2)
    assert.deepEqual(
      newest.map(({ deliveryId }) => deliveryId),
      ['m3', 'm2'],
    )
  })

  test('refused deliveries are one row for each reason, however many there are', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { id: repositoryId } = await seedRepository(store)
    const refused: RefusedDeliveries = {
      repositoryId,
      refusal: 'wrong_secret',
      event: 'push',
      message: 'signed with another secret',
      count: 2,
      firstAt: 1000,
      lastAt: 2000,
    }
    const note = (...all: RefusedDeliveries[]) =>
      store.transact((write) => write.deliveries.noteRefused(all))
    await note(refused, { ...refused, repositoryId: 'repo_gone' })
    assert.deepEqual(await store.deliveries.listRefused(repositoryId), [refused])
    const { event: _, ...unnamed } = refused
    const more = { ...unnamed, message: 'other words', count: 3, firstAt: 3000, lastAt: 4000 }
    await note(more, { ...refused, refusal: 'not_signed', lastAt: 3500 })
    const [last, other] = await store.deliveries.listRefused(repositoryId)
    assert.deepEqual(last, { ...more, count: 5, firstAt: 1000 })
    assert.deepEqual([other?.refusal, other?.count], ['not_signed', 2])
  })

  test('a ref’s commit is found among the heads', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { id } = await seedRepository(store)
    const { ref, sha } = anEvent(id)
    await store.transact((write) => write.heads.place([{ repositoryId: id, ref, sha }]))
    assert.deepEqual(await store.heads.find(id, ref), { sha })
    assert.equal(await store.heads.find(id, `${ref}/x`), undefined)
  })
}
