import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestStore } from '#root/test/support/test-store.ts'
import { TESTER } from '#root/test/support/tester.ts'
import { createToken, hashToken } from '../../api/auth/tokens.ts'
import type { Role } from '../../core/access/role.ts'
import type { Runner } from '../../core/runner/runner.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { newId } from '../../lib/new-id.ts'
import { present } from '../../lib/present.ts'
import type { Store } from '../../store/store.ts'
import { joinRunner } from './join-runner.ts'

async function addToken(
  store: Store,
  labels: string[] = [],
  lifeMs = 60_000,
  uses = 1,
): Promise<string> {
  const token = createToken('join')
  const createdAt = Date.now()
  const record = { id: newId('join'), hash: hashToken(token), labels, createdAt, uses, used: 0 }
  await store.transact((write) =>
    write.joinTokens.insert({ ...record, expiresAt: createdAt + lifeMs }),
  )
  return token
}

const noLabels = { labels: [] as string[] }

test('returns an identity of which only a hash is stored', async () => {
  await using store = await openTestStore()
  const token = await addToken(store, ['gpu', 'big'])
  const request = { name: 'far', labels: ['gpu'], token }
  const { runner, identity } = await joinRunner(store, request, TESTER)
  assert.equal(runner.link.kind, 'attached')
  assert.deepEqual(runner.allowedLabels, ['gpu', 'big'])
  assert.deepEqual(await store.runners.findByIdentity(hashToken(identity)), runner)
  assert.equal(JSON.stringify(await store.runners.list()).includes(identity), false)
  assert.equal((await store.joinTokens.list())[0]?.runnerId, runner.id)
})

test('has one message for all tokens that were never valid, and the reason for those that were', async () => {
  await using store = await openTestStore()
  const used = await addToken(store)
  await joinRunner(store, { name: 'first', ...noLabels, token: used }, TESTER)
  const expired = await addToken(store, [], 0)
  const refusal = async (token?: string): Promise<string> => {
    const request = { name: 'second', ...noLabels, ...present({ token }) }
    const error: unknown = await joinRunner(store, request, TESTER).catch(
      (reason: unknown) => reason,
    )
    const { code, message } = NarwhalError.from(error)
    assert.equal(code, 'unauthenticated')
    return message
  }
  const unknown = new Set([
    await refusal(createToken('join')),
    await refusal('x'),
    await refusal(''),
  ])
  assert.equal(unknown.size, 1)
  assert.match(await refusal(used), /has been used by 1 of 1 runners; create another with/)
  assert.match(await refusal(expired), /expired at \d{4}-.*; create another with/)
  assert.match(await refusal(), /a token is needed/)
  assert.equal((await store.runners.list()).length, 1)
})

test('a thousand joins with one identity are one runner, and one use of its token', async () => {
  await using store = await openTestStore()
  const token = await addToken(store, ['gpu'])
  const identity = createToken('identity')
  const request = { name: 'far', labels: ['gpu'], token, identity }
  const { runner } = await joinRunner(store, request, TESTER)
  for (let n = 0; n < 1_000; n++) {
    // Under any name.
    const again = await joinRunner(store, { ...request, name: `far-${n % 7}` }, TESTER)
    assert.deepEqual(again, { runner, identity })
  }
  assert.deepEqual(await store.runners.list(), [runner])
  assert.equal((await store.joinTokens.list())[0]?.used, 1)
  const { entries } = await store.audit.list({ limit: 10 })
  assert.equal(entries.filter(({ action }) => action === 'runner.joined').length, 1)
  const damaged = `${identity.slice(0, -1)}${identity.endsWith('0') ? '1' : '0'}`
  const refused = joinRunner(store, { ...request, name: 'other', identity: damaged }, TESTER)
  await assert.rejects(refused, { code: 'invalid', message: /damaged/ })
})

test('a token with a number of uses lets at most that many runners join', async () => {
  await using store = await openTestStore()
  const token = await addToken(store, ['gpu'], 60_000, 3)
  const answers = await Promise.allSettled(
    Array.from({ length: 8 }, (_, i) =>
      joinRunner(store, { name: `runner-${i}`, labels: ['gpu'], token }, TESTER),
    ),
  )
  assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 3)
  assert.equal((await store.runners.list()).length, 3)
})

test('of many concurrent joins with the same token one succeeds', async () => {
  await using store = await openTestStore()
  const token = await addToken(store)
  const answers = await Promise.allSettled(
    Array.from({ length: 10 }, (_, i) =>
      joinRunner(store, { name: `runner-${i}`, ...noLabels, token }, TESTER),
    ),
  )
  assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 1)
  assert.equal((await store.runners.list()).length, 1)
})

test('grants only the labels of the token, and rejects a taken name without using up the token', async () => {
  await using store = await openTestStore()
  const token = await addToken(store, ['gpu'])
  await joinRunner(store, { name: 'far', ...noLabels, token: await addToken(store) }, TESTER)
  const thief = joinRunner(store, { name: 'far', ...noLabels, token }, TESTER)
  await assert.rejects(thief, { code: 'conflict', message: /runner remove far/ })
  const request = { name: 'near', labels: ['gpu', 'admin'], token }
  const { runner } = await joinRunner(store, request, TESTER)
  assert.deepEqual([runner.labels, runner.allowedLabels], [['gpu'], ['gpu']])
})

async function addUserToken(store: Store, role: Role, token: string): Promise<void> {
  const user = { id: newId('user'), name: role, role, createdAt: 1 }
  const record = { id: newId('token'), userId: user.id, name: 'ops', hash: hashToken(token) }
  await store.transact(async (write) => {
    await write.users.insert(user)
    await write.tokens.insert({ ...record, createdAt: 1 })
  })
}

test('an access token of a member lets no runner join', async () => {
  await using store = await openTestStore()
  const token = createToken()
  await addUserToken(store, 'member', token)
  const request = { name: 'far', ...noLabels, token }
  await assert.rejects(joinRunner(store, request, TESTER), { code: 'unauthenticated' })
})

test("with an administrator's access token a runner replaces one that is not connected", async () => {
  await using store = await openTestStore()
  const token = createToken()
  await addUserToken(store, 'admin', token)
  const request = { name: 'far', labels: ['any'], token }
  const { runner: first, identity } = await joinRunner(store, request, TESTER)
  const link = { kind: 'dialled', url: 'http://far:1', balanced: false } as const
  const dialled: Runner = { ...first, link, state: 'online' }
  await store.transact((write) => write.runners.save(dialled))
  await assert.rejects(joinRunner(store, request, TESTER), { code: 'conflict' })
  await store.transact((write) => write.runners.save({ ...dialled, state: 'offline' }))
  const { runner: second } = await joinRunner(store, request, TESTER)
  assert.equal(second.id, first.id)
  assert.equal(second.link.kind, 'attached')
  assert.ok(!('url' in second.link))
  assert.equal(second.allowedLabels, undefined)
  assert.equal(await store.runners.findByIdentity(hashToken(identity)), undefined)
})
