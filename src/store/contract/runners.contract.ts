import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runnerView } from '../../contract/views.ts'
import type { RunnerRecord, TokenRecord } from '../records.ts'
import { aRunner, type OpenDatabase, openWorld } from './fixtures.ts'

export function runnersContract(open: OpenDatabase): void {
  test('keeps runners', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const one = aRunner({ name: 'one' })
    const { url: _url, linkToken: _token, hardware: _hardware, ...rest } = aRunner({ name: 'two' })
    const two: RunnerRecord = { ...rest, link: 'in-process', balanced: true, state: 'offline' }
    await store.transact(async (write) => {
      await write.saveRunner(two)
      await write.saveRunner(one)
    })
    assert.deepEqual(await store.listRunners(), [one, two])
    assert.deepEqual(await store.findRunner(one.id), one)
    assert.deepEqual(await store.findRunner('two'), two)

    const busy: RunnerRecord = { ...two, busy: 2, state: 'set_aside', reason: 'failed fast' }
    const { changes } = await store.transact((write) => write.saveRunner(busy))
    assert.deepEqual(await store.findRunner('two'), busy)
    const views = await store.listRunnerViews()
    assert.deepEqual(
      views.map((view) => runnerView.parse(view)),
      views,
    )
    assert.equal(JSON.stringify(views).includes('secret'), false)
    assert.deepEqual(
      changes.map((change) => change.type === 'runner.changed' && change.runner),
      [views[1]],
    )

    await store.transact((write) => write.removeRunner(one.id))
    assert.deepEqual(await store.listRunners(), [busy])
    assert.equal(await store.findRunner(one.id), undefined)
  })

  test('refuses a runner with the name of another', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const [one, two] = [aRunner({ name: 'one' }), aRunner({ name: 'two' })]
    await store.transact((write) => write.saveRunner(one))
    const newcomer = store.transact((write) => write.saveRunner({ ...two, name: 'one' }))
    await assert.rejects(newcomer, { code: 'conflict', message: /named one/ })
    await store.transact((write) => write.saveRunner(two))
    const renamed = store.transact((write) => write.saveRunner({ ...two, name: 'one' }))
    await assert.rejects(renamed, { code: 'conflict' })
    assert.deepEqual(await store.listRunners(), [one, two])
  })

  test('keeps access tokens by their hashes', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const token: TokenRecord = { id: 'token_1', name: 'ci', hash: 'a'.repeat(64), createdAt: 1 }
    await store.transact((write) => write.insertToken(token))
    await store.transact((write) => write.insertToken(token))
    assert.deepEqual(await store.findToken(token.hash), token)
    assert.equal(await store.findToken('b'.repeat(64)), undefined)
    const thief = store.transact((write) => write.insertToken({ ...token, id: 'token_2' }))
    await assert.rejects(thief, { code: 'conflict' })
    assert.deepEqual(await store.listTokens(), [token])
    await store.transact((write) => write.removeToken(token.id))
    assert.deepEqual(await store.listTokens(), [])
  })
}
