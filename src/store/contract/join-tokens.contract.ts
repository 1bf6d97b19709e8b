import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JoinTokenRecord } from '../records.ts'
import { aRunner, type OpenDatabase, openWorld } from './fixtures.ts'

const HOUR = 3_600_000

function aToken(id: string, over: Partial<JoinTokenRecord> = {}): JoinTokenRecord {
  const hash = id.padEnd(64, '0')
  const times = { createdAt: 1, expiresAt: 1 + HOUR }
  return { id: `join_${id}`, hash, labels: ['gpu'], ...times, uses: 1, used: 0, ...over }
}

export function joinTokensContract(open: OpenDatabase): void {
  test('keeps the tokens with which runners join', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const [one, two] = [aToken('1'), aToken('2', { labels: [], createdAt: 2 })]
    await store.transact(async (write) => {
      await write.joinTokens.insert(one)
      await write.joinTokens.insert(two)
    })
    await store.transact((write) => write.joinTokens.insert(one))
    const thief = store.transact((write) => write.joinTokens.insert({ ...one, id: 'join_3' }))
    await assert.rejects(thief, { code: 'conflict' })
    assert.deepEqual(await store.joinTokens.list(), [one, two])
    await store.transact((write) => write.joinTokens.remove(one.id))
    assert.deepEqual(await store.joinTokens.list(), [two])
    const late = aToken('4', { createdAt: two.expiresAt + 8 * 24 * HOUR })
    await store.transact((write) => write.joinTokens.insert(late))
    assert.deepEqual(await store.joinTokens.list(), [late])
  })

  test('lets a token be used once, before it expires', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const token = aToken('1')
    await store.transact((write) => write.joinTokens.insert(token))
    const use = (hash: string, at: number) =>
      store.transact((write) => write.joinTokens.use({ hash, at, runnerId: 'runner_1' }))
    assert.equal((await use('f'.repeat(64), 5)).result, undefined)
    assert.equal((await use(token.hash, token.expiresAt)).result, undefined)
    const used = { ...token, used: 1, usedAt: 5, runnerId: 'runner_1' }
    assert.deepEqual((await use(token.hash, 5)).result, used)
    assert.equal((await use(token.hash, 6)).result, undefined)
    assert.deepEqual(await store.joinTokens.list(), [used])
  })

  test('a token is as good as before when the transaction that used it is undone', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const token = aToken('1')
    await store.transact((write) => write.joinTokens.insert(token))
    const runner = aRunner({ name: 'taken' })
    await store.transact((write) => write.runners.save(runner))
    const newcomer = aRunner({ name: 'taken' })
    const joining = store.transact(async (write) => {
      await write.joinTokens.use({ hash: token.hash, at: 5, runnerId: newcomer.id })
      await write.runners.save(newcomer)
    })
    await assert.rejects(joining, { code: 'conflict' })
    assert.deepEqual(await store.joinTokens.list(), [token])
  })

  test('gives a token to as many as it has uses, of many that use it at the same time', async () => {
    await using world = await openWorld(open)
    const stores = [world.store, await world.connect()]
    const token = aToken('1', { uses: 3 })
    await world.store.transact((write) => write.joinTokens.insert(token))
    const answers = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const use = { hash: token.hash, at: 5, runnerId: `runner_${index}` } as const
        return (await stores[index % 2]!.transact((write) => write.joinTokens.use(use))).result
      }),
    )
    const winners = answers.filter((answer) => answer !== undefined)
    assert.equal(winners.length, 3)
    const last = winners.find(({ used }) => used === 3)
    assert.deepEqual(await world.store.joinTokens.list(), [last])
    assert.deepEqual(await world.store.joinTokens.find(token.hash), last)
  })
}
