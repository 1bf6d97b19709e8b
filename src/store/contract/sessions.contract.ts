import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SessionRecord } from '../ports/sessions.ts'
import type { UserRecord } from '../records.ts'
import { type OpenDatabase, openWorld } from './fixtures.ts'

const ada: UserRecord = { id: 'user_1', name: 'Ada', role: 'admin', createdAt: 1 }
const bot: UserRecord = { id: 'user_2', name: 'bot', role: 'viewer', createdAt: 2 }

function aSession(over: Partial<SessionRecord> = {}): SessionRecord {
  const hash = 'a'.repeat(64)
  return { hash, userId: bot.id, createdAt: 10, seenAt: 10, endsAt: 100, ...over }
}

export function sessionsContract(open: OpenDatabase): void {
  test('keeps sessions until they are ended, or their user is removed', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const session = aSession()
    const other = aSession({ hash: 'b'.repeat(64) })
    await store.transact(async (write) => {
      await write.users.insert(ada)
      await write.users.insert(bot)
      await write.sessions.insert(session)
      await write.sessions.insert(session)
      await write.sessions.insert(other)
    })
    assert.deepEqual(await store.sessions.find(session.hash), { user: bot, session })
    await store.transact((write) => write.sessions.touch(session.hash, 50))
    assert.equal((await store.sessions.find(session.hash))?.session.seenAt, 50)
    const end = (hash: string) => store.transact((write) => write.sessions.remove(hash))
    assert.equal((await end(session.hash)).result, true)
    assert.equal((await end(session.hash)).result, false)
    assert.equal(await store.sessions.find(session.hash), undefined)
    await store.transact((write) => write.users.remove(bot.id))
    assert.equal(await store.sessions.find(other.hash), undefined)
  })

  test('forgets sessions that are over when another begins', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const old = aSession()
    const late = aSession({ hash: 'b'.repeat(64), createdAt: 100, seenAt: 100, endsAt: 200 })
    await store.transact(async (write) => {
      await write.users.insert(ada)
      await write.users.insert(bot)
      await write.sessions.insert(old)
      await write.sessions.insert(late)
    })
    assert.equal(await store.sessions.find(old.hash), undefined)
    assert.deepEqual((await store.sessions.find(late.hash))?.session, late)
  })

  test('a link signs in once, in time, and the next one ends it', async () => {
    await using world = await openWorld(open)
    const { store } = world
    const link = (digit: string, endsAt = 100) => ({
      userId: ada.id,
      hash: digit.repeat(64),
      endsAt,
    })
    const put = (digit: string) => store.transact((write) => write.signInLinks.put(link(digit)))
    const take = async (digit: string, at = 50) =>
      (await store.transact((write) => write.signInLinks.take(digit.repeat(64), at))).result
    await store.transact((write) => write.users.insert(ada))
    await put('1')
    assert.equal(await take('1'), ada.id)
    assert.equal(await take('1'), undefined)
    await put('2')
    await put('3')
    assert.equal(await take('2'), undefined)
    assert.equal(await take('3', 100), undefined)
    await put('4')
    const stores = [store, await world.connect()]
    const answers = await Promise.all(
      stores.map((one) => one.transact((write) => write.signInLinks.take('4'.repeat(64), 50))),
    )
    assert.equal(answers.filter(({ result }) => result === ada.id).length, 1)
  })
}
