import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TokenRecord, UserRecord } from '../records.ts'
import { aPipeline, type OpenDatabase, openWorld, seedAttempt } from './fixtures.ts'

const ada: UserRecord = { id: 'user_1', name: 'Ada', role: 'admin', createdAt: 1 }
const bot: UserRecord = { id: 'user_2', name: 'bot', role: 'viewer', createdAt: 2 }

function aToken(over: Partial<TokenRecord> = {}): TokenRecord {
  return { id: 'token_1', userId: ada.id, name: 'ci', hash: 'a'.repeat(64), createdAt: 1, ...over }
}

export function usersContract(open: OpenDatabase): void {
  test('keeps users, whose names are unique without regard to case', async () => {
    await using world = await openWorld(open)
    const { store } = world
    await store.transact(async (write) => {
      await write.users.insert(bot)
      await write.users.insert(ada)
      await write.users.insert(ada)
    })
    assert.deepEqual(await store.users.list(), [ada, bot])
    assert.deepEqual(await store.users.find('aDA'), ada)
    assert.deepEqual(await store.users.find(bot.id), bot)
    const thief = store.transact((write) => write.users.insert({ ...ada, id: 'user_3' }))
    await assert.rejects(thief, { code: 'conflict' })
    await store.transact((write) => write.users.setRole(bot.id, 'member'))
    assert.equal((await store.users.find('bot'))?.role, 'member')
  })

  test('keeps access tokens by their hashes, each of a user', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const token = aToken()
    const of = { ...token, id: 'token_2', hash: 'c'.repeat(64), userId: bot.id } as const
    await store.transact(async (write) => {
      await write.users.insert(ada)
      await write.users.insert(bot)
      await write.tokens.insert(token)
      await write.tokens.insert(token)
      await write.tokens.insert(of)
    })
    assert.deepEqual(await store.tokens.findUser(token.hash), ada)
    assert.deepEqual(await store.tokens.findUser(of.hash), bot)
    assert.equal(await store.tokens.findUser('b'.repeat(64)), undefined)
    const thief = store.transact((write) => write.tokens.insert({ ...token, id: 'token_3' }))
    await assert.rejects(thief, { code: 'conflict' })
    assert.deepEqual(await store.tokens.list(), [token, of])
    await store.transact((write) => write.tokens.remove(token.id))
    await store.transact((write) => write.users.remove(bot.id))
    assert.deepEqual(await store.tokens.list(), [])
    assert.equal(await store.tokens.findUser(of.hash), undefined)
    assert.deepEqual(await store.users.list(), [ada])
  })

  test('a token opens nothing after its end, and tells when it was used', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const over = aToken({ endsAt: Date.now() - 1 })
    const good = aToken({ id: 'token_2', hash: 'c'.repeat(64), endsAt: Date.now() + 60_000 })
    await store.transact(async (write) => {
      await write.users.insert(ada)
      await write.tokens.insert(over)
      await write.tokens.insert(good)
    })
    assert.equal(await store.tokens.findUser(over.hash), undefined)
    assert.deepEqual(await store.tokens.find(over.hash), over)
    assert.deepEqual(await store.tokens.findUser(good.hash), ada)
    const use = { hash: good.hash, at: 77, from: '10.0.0.1' }
    await store.transact((write) => write.tokens.noteUse(use))
    const used = { ...good, usedAt: 77, usedFrom: '10.0.0.1' }
    assert.deepEqual(await store.tokens.list(), [over, used])
  })

  test('is never left without an administrator', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const other: UserRecord = { ...bot, role: 'admin' }
    await store.transact((write) => write.users.insert(ada))
    const only = { code: 'conflict', message: /"Ada" is the only administrator/ }
    await assert.rejects(
      store.transact((write) => write.users.remove(ada.id)),
      only,
    )
    await assert.rejects(
      store.transact((write) => write.users.setRole(ada.id, 'member')),
      only,
    )
    await store.transact((write) => write.users.insert(other))
    // Each wants the other gone: one is too late.
    const both = await Promise.allSettled([
      store.transact((write) => write.users.remove(ada.id)),
      store.transact((write) => write.users.setRole(other.id, 'viewer')),
    ])
    assert.deepEqual(both.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
    assert.equal((await store.users.list()).filter(({ role }) => role === 'admin').length, 1)
  })

  test('keeps who started a pipeline and who wanted an attempt', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const { event, job, pipeline } = await seedAttempt(store)
    const rerun = aPipeline(event, { rerunOf: pipeline.id, startedBy: 'Ada' })
    await store.transact((write) => write.pipelines.create(rerun))
    assert.equal((await store.pipelines.findView(rerun.id))?.startedBy, 'Ada')
    assert.equal((await store.pipelines.findView(pipeline.id))?.startedBy, undefined)
    const [first] = job.attempts
    const attempts = first ? [{ ...first, askedBy: 'Ada' }] : []
    await store.transact((write) => write.jobs.save({ ...job, attempts }, [1]))
    assert.equal((await store.jobs.findView(job.id))?.attempts[0]?.askedBy, 'Ada')
  })
}
