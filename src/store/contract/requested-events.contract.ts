import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anEvent, aPipeline, type OpenDatabase, openWorld, seedRepository } from './fixtures.ts'

export function requestedEventsContract(open: OpenDatabase): void {
  test('drops an event for which nothing is built, and says so to its deliveries', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = await seedRepository(store)
    const event = anEvent(repository.id)
    const delivery = {
      forge: 'github',
      deliveryId: `delivery-${event.id}`,
      repositoryId: repository.id,
      disposition: 'accepted',
      eventId: event.id,
      receivedAt: 1,
    } as const
    await store.transact(async (write) => {
      await write.events.accept([event])
      await write.deliveries.record([delivery])
    })
    const drop = async () =>
      (await store.transact((write) => write.events.drop(event.id, 'nothing is for it'))).result
    assert.equal(await drop(), true)
    assert.equal(await store.events.find(event.id), undefined)
    assert.deepEqual(await store.deliveries.listByIds('github', [delivery.deliveryId]), [
      {
        forge: 'github',
        deliveryId: delivery.deliveryId,
        repositoryId: repository.id,
        disposition: 'ignored',
        reason: 'nothing is for it',
        receivedAt: 1,
      },
    ])
    assert.equal(await drop(), false)
  })

  test('drops no event that has a pipeline', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = await seedRepository(store)
    const event = anEvent(repository.id)
    await store.transact(async (write) => {
      await write.events.accept([event])
      await write.pipelines.create(aPipeline(event))
    })
    const dropped = await store.transact((write) => write.events.drop(event.id, 'too late'))
    assert.equal(dropped.result, false)
    assert.deepEqual(await store.events.find(event.id), event)
  })

  test('notes that a part of the file is run, besides what is known', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const repository = await seedRepository(store)
    const details = { actions: ['labeled'], targetBranch: 'main' } as const
    const event = anEvent(repository.id, { kind: 'pull_request', details })
    await store.transact(async (write) => {
      await write.events.accept([event])
      await write.events.setPart(event.id, 'labeled')
    })
    const stored = await store.events.find(event.id)
    assert.deepEqual(stored?.details, { ...details, part: 'labeled' })
  })
}
