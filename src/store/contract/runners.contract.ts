import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runnerView } from '../../contract/rest/views.ts'
import type { DispatcherId } from '../../core/ids.ts'
import type { Runner } from '../../core/runner/runner.ts'
import { aRunner, type OpenDatabase, openWorld } from './fixtures.ts'

export function runnersContract(open: OpenDatabase): void {
  test('keeps runners', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const one = aRunner({ name: 'one', ephemeral: true })
    const { hardware: _hardware, ...rest } = aRunner({ name: 'two' })
    const two: Runner = { ...rest, link: { kind: 'in-process' }, state: 'offline' }
    await store.transact(async (write) => {
      await write.runners.save(two)
      await write.runners.save(one)
    })
    assert.deepEqual(await store.runners.list(), [one, two])
    assert.deepEqual(await store.runners.find(one.id), one)
    assert.deepEqual(await store.runners.find('two'), two)

    const busy: Runner = { ...two, busy: 2, state: 'set_aside', reason: 'failed fast' }
    const { changes } = await store.transact((write) => write.runners.save(busy))
    assert.deepEqual(await store.runners.find('two'), busy)
    const views = await store.runners.listViews()
    assert.deepEqual(
      views.map((view) => runnerView.parse(view)),
      views,
    )
    assert.equal(JSON.stringify(views).includes('secret'), false)
    assert.deepEqual(
      changes.map((change) => change.type === 'runner.changed' && change.runner),
      [views[1]],
    )

    await store.transact((write) => write.runners.remove(one.id))
    assert.deepEqual(await store.runners.list(), [busy])
    assert.equal(await store.runners.find(one.id), undefined)
  })

  test('keeps how a runner is reached, and nothing of how it was before', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const runner = aRunner()
    const url = 'https://far:1'
    for (const link of [
      { kind: 'dialled', url, balanced: true, token: 'shown to it' },
      { kind: 'attached', identityHash: 'a'.repeat(64) },
      { kind: 'in-process' },
      { kind: 'dialled', url, balanced: false },
    ] as const) {
      await store.transact((write) => write.runners.save({ ...runner, link }))
      assert.deepEqual((await store.runners.find(runner.id))?.link, link)
    }
  })

  test('refuses a runner with the name of another', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const [one, two] = [aRunner({ name: 'one' }), aRunner({ name: 'two' })]
    await store.transact((write) => write.runners.save(one))
    const newcomer = store.transact((write) => write.runners.save({ ...two, name: 'one' }))
    await assert.rejects(newcomer, { code: 'conflict', message: /named "one" already exists/ })
    await store.transact((write) => write.runners.save(two))
    const renamed = store.transact((write) => write.runners.save({ ...two, name: 'one' }))
    await assert.rejects(renamed, { code: 'conflict' })
    assert.deepEqual(await store.runners.list(), [one, two])
  })

  test('notes what a dispatcher sees of a runner, and keeps what is wished of it', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const runner = aRunner({ seenBy: 'dispatcher_one', allowedLabels: ['linux'] })
    await store.transact(async (write) => {
      await write.runners.save(runner)
      await write.runners.setDraining(runner.id, true)
      await write.runners.setAside(runner.id, 'failed at once, three times')
      await write.runners.countFailure(runner.id, true)
    })
    const { hardware: _hardware, ...seen } = {
      ...runner,
      members: 2,
      state: 'draining',
      reason: 'somebody asked for it',
      labels: ['linux', 'gpu'],
      engines: ['bubblewrap'],
      slots: 5,
      busy: 3,
      softwareVersion: '0.2.0',
      flawedTools: [],
      lastSeenAt: 9000,
    } as const
    const otherLink = { kind: 'dialled', url: 'http://far:1', balanced: true } as const
    const { result, changes } = await store.transact((write) =>
      write.runners.note(
        // As who does not know any better says it.
        { ...seen, name: 'renamed', link: otherLink, registeredAt: 7, failures: 9 },
        'dispatcher_two',
      ),
    )
    assert.equal(result, true)
    const noted: Runner = {
      ...seen,
      draining: true,
      asideReason: 'failed at once, three times',
      failures: 1,
      seenBy: 'dispatcher_two',
    }
    assert.deepEqual(await store.runners.find(runner.id), noted)
    assert.deepEqual(
      changes.map((change) => change.type === 'runner.changed' && change.runner.busy),
      [3],
    )
  })

  test('lets a runner be offline only for the last that was connected to it', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const runner = aRunner()
    const note = async (state: Runner['state'], by: DispatcherId) => {
      const { result, changes } = await store.transact((write) =>
        write.runners.note({ ...runner, state }, by),
      )
      assert.equal(changes.length, result ? 1 : 0)
      return [result, (await store.runners.find(runner.id))?.state]
    }
    assert.deepEqual(await note('online', 'dispatcher_one'), [false, undefined])
    await store.transact(async (write) => {
      await write.runners.save(runner)
      for (const id of ['dispatcher_one', 'dispatcher_two'] as const) {
        await write.dispatchers.takeSeat({ id, startedAt: 1 })
      }
    })
    assert.deepEqual(await note('offline', 'dispatcher_two'), [true, 'offline'])
    assert.deepEqual(await note('online', 'dispatcher_one'), [true, 'online'])
    assert.deepEqual(await note('offline', 'dispatcher_two'), [false, 'online'])
    assert.deepEqual(await note('offline', 'dispatcher_one'), [true, 'offline'])
    assert.deepEqual(await note('online', 'dispatcher_one'), [true, 'online'])
    // Whoever has no seat any more is connected to nothing.
    await store.transact((write) => write.dispatchers.endSeats([{ id: 'dispatcher_one' }]))
    assert.deepEqual(await note('offline', 'dispatcher_two'), [true, 'offline'])
  })

  test('keeps what is wished of a runner, and tells it', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const runner = aRunner()
    await store.transact((write) => write.runners.save(runner))
    const draining = await store.transact((write) => write.runners.setDraining(runner.id, true))
    assert.equal(draining.changes.length, 1)
    assert.deepEqual(await store.runners.find(runner.id), { ...runner, draining: true })
    await store.transact((write) => write.runners.setDraining(runner.id, false))

    const count = async (failed: boolean) =>
      (await store.transact((write) => write.runners.countFailure(runner.id, failed))).result
    assert.deepEqual([await count(true), await count(true), await count(false)], [1, 2, 0])
    assert.deepEqual([await count(true), await count(true)], [1, 2])
    const aside = await store.transact((write) => write.runners.setAside(runner.id, 'no disk'))
    assert.equal(aside.changes.length, 1)
    const kept: Runner = { ...runner, asideReason: 'no disk', failures: 2 }
    assert.deepEqual(await store.runners.find(runner.id), kept)
    await store.transact((write) => write.runners.setAside(runner.id, undefined))
    assert.deepEqual(await store.runners.find(runner.id), runner)

    await store.transact((write) => write.runners.remove(runner.id))
    assert.equal(await count(true), 0)
    const gone = await store.transact(async (write) => {
      await write.runners.setDraining(runner.id, true)
      await write.runners.setAside(runner.id, 'no disk')
    })
    assert.deepEqual(gone.changes, [])
  })

  test('counts every failure when several are counted at once', async () => {
    await using world = await openWorld(open)
    const stores = [world.store, await world.connect()]
    const runner = aRunner()
    await world.store.transact((write) => write.runners.save(runner))
    const counts = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const store = stores[index % 2]!
        return (await store.transact((write) => write.runners.countFailure(runner.id, true))).result
      }),
    )
    assert.deepEqual(
      counts.toSorted((a, b) => a - b),
      Array.from({ length: 12 }, (_, index) => index + 1),
    )
  })

  test('finds an attached runner by its identity, which no other can have', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const link = { kind: 'attached', identityHash: 'a'.repeat(64) } as const
    const [one, two] = [aRunner({ link }), aRunner()]
    await store.transact(async (write) => {
      for (const runner of [one, two, aRunner()]) await write.runners.save(runner)
    })
    assert.deepEqual(await store.runners.findByIdentity('a'.repeat(64)), one)
    assert.equal(await store.runners.findByIdentity('b'.repeat(64)), undefined)
    const thief = { ...two, link }
    await assert.rejects(
      store.transact((write) => write.runners.save(thief)),
      { code: 'conflict' },
    )
    assert.deepEqual(await store.runners.findByIdentity('a'.repeat(64)), one)
  })
}
