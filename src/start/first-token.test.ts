import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestStore } from '#root/test/support/test-store.ts'
import { hashToken } from '../api/auth.ts'
import { ensureFirstToken } from './first-token.ts'

const CHOSEN = 'narwhal_0123456789abcdef0123456789abcdef'

function recorder(): { lines: string[]; write: (line: string) => void } {
  const lines: string[] = []
  return { lines, write: (line) => void lines.push(line) }
}

test('a new installation makes its first token and shows it once', async () => {
  await using store = await openTestStore()
  const { lines, write } = recorder()
  await ensureFirstToken(store, undefined, write)
  const token = /shown this once: (\S+)\n$/.exec(lines.join(''))?.[1]
  assert.ok(token)
  const user = await store.findUserByToken(hashToken(token))
  assert.deepEqual([user?.name, user?.role], ['admin', 'admin'])
  await ensureFirstToken(store, undefined, write)
  assert.equal(lines.length, 1)
})

test('a token that was chosen becomes the first, and is not shown', async () => {
  await using store = await openTestStore()
  const { lines, write } = recorder()
  await ensureFirstToken(store, CHOSEN, write)
  await ensureFirstToken(store, CHOSEN, write)
  assert.ok(await store.findUserByToken(hashToken(CHOSEN)))
  assert.equal((await store.listTokens()).length, 1)
  assert.deepEqual(lines, [])
})

test('a chosen token that was taken back does not return', async () => {
  await using store = await openTestStore()
  const { write } = recorder()
  await ensureFirstToken(store, undefined, write)
  await ensureFirstToken(store, CHOSEN, write)
  assert.equal(await store.findUserByToken(hashToken(CHOSEN)), undefined)
})
