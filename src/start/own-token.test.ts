import assert from 'node:assert/strict'
import { chmod, stat, unlink } from 'node:fs/promises'
import { test } from 'node:test'
import { tempDir } from '#root/test/support/temp-dir.ts'
import { openTestStore } from '#root/test/support/test-store.ts'
import { hashToken } from '../api/auth/tokens.ts'
import { readOwnToken } from '../lib/reach/own-token.ts'
import { ensureOwnToken, ensureRunnerToken, ownTokenFor } from './own-token.ts'

const CHOSEN = 'narwhal_0123456789abcdef0123456789abcdef'

test('a new installation makes a token of an administrator, for its user alone', async () => {
  await using store = await openTestStore()
  await using data = await tempDir()
  const { token, isNew } = await ensureOwnToken(store, data.path)
  assert.ok(isNew)
  assert.equal(readOwnToken(data.path, 'access'), token)
  assert.equal((await stat(data.join('token'))).mode & 0o777, 0o600)
  const user = await store.tokens.findUser(hashToken(token))
  assert.deepEqual([user?.name, user?.role], ['admin', 'admin'])
  assert.deepEqual(await ensureOwnToken(store, data.path), { token, isNew: false })
  assert.equal((await store.tokens.list()).length, 1)
})

test('a token that was chosen becomes the first, and no later one', async () => {
  await using store = await openTestStore()
  await using data = await tempDir()
  assert.equal((await ensureOwnToken(store, data.path, CHOSEN)).token, CHOSEN)
  assert.equal((await ensureOwnToken(store, data.path, CHOSEN)).isNew, false)
  for (const { id } of await store.tokens.list()) {
    await store.transact((write) => write.tokens.remove(id))
  }
  await ensureOwnToken(store, data.path)
  // Taken back, it does not return by being in the settings still.
  await unlink(data.join('token'))
  assert.notEqual((await ensureOwnToken(store, data.path, CHOSEN)).token, CHOSEN)
  assert.equal(await store.tokens.findUser(hashToken(CHOSEN)), undefined)
})

test('a token that was removed, or is another store’s, is replaced and stays removed', async () => {
  await using store = await openTestStore()
  await using other = await openTestStore()
  await using data = await tempDir()
  const first = await ensureOwnToken(store, data.path)
  for (const { id } of await store.tokens.list()) {
    await store.transact((write) => write.tokens.remove(id))
  }
  const second = await ensureOwnToken(store, data.path)
  assert.ok(second.isNew)
  assert.equal(await store.tokens.findUser(hashToken(first.token)), undefined)
  assert.ok((await ensureOwnToken(other, data.path)).isNew)
})

test('several processes that begin at once on one store all come up', async () => {
  await using store = await openTestStore()
  await using data = await tempDir()
  const tokens = await Promise.all(
    Array.from({ length: 5 }, () => ensureOwnToken(store, data.path, CHOSEN)),
  )
  assert.equal(tokens.length, 5)
  const kept = readOwnToken(data.path, 'access') ?? ''
  assert.equal((await store.tokens.findUser(hashToken(kept)))?.role, 'admin')
  assert.equal((await store.users.list()).length, 1)
})

test('a token file that others can read is refused, with what to do', async () => {
  await using store = await openTestStore()
  await using data = await tempDir()
  await ensureOwnToken(store, data.path)
  await chmod(data.join('token'), 0o640)
  await assert.rejects(ensureOwnToken(store, data.path), {
    code: 'invalid',
    message: /others than its owner may read .*chmod 600/,
  })
})

test('a runner token is made once for all that share the folder, unless one was chosen', async () => {
  await using data = await tempDir()
  const made = ensureRunnerToken(data.path, undefined)
  assert.match(made, /^narwhal_dial_/)
  assert.equal(ensureRunnerToken(data.path, undefined), made)
  assert.equal(ensureRunnerToken(data.path, 'a-chosen-runner-token'), 'a-chosen-runner-token')
  assert.equal((await stat(data.join('runner-token'))).mode & 0o777, 0o600)
})

test('the token of the data folder is shown to this machine alone', async () => {
  await using store = await openTestStore()
  await using data = await tempDir()
  const { token } = await ensureOwnToken(store, data.path)
  for (const url of ['http://127.0.0.1:4748', 'http://localhost:4748', 'http://[::1]:4748']) {
    assert.deepEqual(ownTokenFor(url, data.path), { token, isOwnToken: true }, url)
  }
  for (const url of [
    'http://10.0.0.1:4748',
    'http://127.0.0.1.example.com',
    'http://127.0.0.1@example.com',
    'nonsense',
  ]) {
    assert.equal(ownTokenFor(url, data.path), undefined, url)
  }
})
