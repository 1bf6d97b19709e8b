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

test('gives a runner an identity of which only a hash is kept', async () => {
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

test('says the same of every token that was never good, and why one that was is so no more', async () => {
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
  assert.match(await refusal(used), /was used by 1 of 1 runners; make another with/)
  assert.match(await refusal(expired), /has expired at \d{4}-.*; make another with/)
  assert.match(await refusal(), /a token is needed/)
  assert.equal((await store.runners.list()).length, 1)
})

test('a thousand joins by the identity of one runner are that runner, by one use of its token', async () => {
  await using store = await openTestStore()
  const token = await addToken(store, ['gpu'])
  const identity = createToken('identity')
  const request = { name: 'far', labels: ['gpu'], token, identity }
  const { runner } = await joinRunner(store, request, TESTER)
  for (let n = 0; n < 1_000; n++) {
    // Whatever it calls itself by then.
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

test('a token with a count lets as many runners join, and no more', async () => {
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

test('one of many that show the same token at the same time gets in', async () => {
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

test('grants no labels but those of the token, and refuses names that are taken; it stays good', async () => {
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

test('an access token of who is no administrator lets no runner join', async () => {
  await using store = await openTestStore()
  const token = createToken()
  await addUserToken(store, 'member', token)
  const request = { name: 'far', ...noLabels, token }
  await assert.rejects(joinRunner(store, request, TESTER), { code: 'unauthenticated' })
})

test('an access token lets a runner take the place of one that is not connected', async () => {
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
