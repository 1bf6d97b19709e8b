import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SandboxUsers, usersToChooseFrom } from './sandbox-users.ts'

test('root on the machine takes uids that nothing else assigns', () => {
  const range = usersToChooseFrom('         0          0 4294967295\n')
  assert.deepEqual(range, { first: 1_879_048_192, end: 2_147_000_000 })
})

test('root in a container takes uids that it has, and never shares too few', () => {
  const range = usersToChooseFrom('         0     100000      65536\n')
  assert.deepEqual(range, { first: 61_184, end: 65_520 })
  assert.equal(usersToChooseFrom('         0       1000          1\n'), undefined)
  assert.equal(usersToChooseFrom('0 100000 1000\n1000 200000 500\n'), undefined)
})

test('no two sandboxes have the same user, and a released one can be taken again', () => {
  const users = new SandboxUsers({ first: 61_200, end: 61_203 })
  const taken = [users.take(), users.take(), users.take()]
  assert.deepEqual(new Set(taken.map(({ uid }) => uid)), new Set([61_200, 61_201, 61_202]))
  assert.ok(taken.every(({ uid, gid }) => uid === gid))
  assert.throws(() => users.take(), { code: 'exhausted' })
  taken[1]?.[Symbol.dispose]()
  assert.equal(users.take().uid, taken[1]?.uid)
})

test('a user with running processes is not taken', () => {
  const uid = process.getuid?.() ?? 0
  const users = new SandboxUsers({ first: uid, end: uid + 1 })
  assert.throws(() => users.take(), { code: 'exhausted' })
})
