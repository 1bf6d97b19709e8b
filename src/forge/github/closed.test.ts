import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGithub } from './webhook.ts'

test('a pull request that was closed is noted, and for its author if it was merged into this very repository', () => {
  const told = (merged: unknown, base = 1, user: unknown = { id: 8, login: 'bob' }) =>
    parseGithub('pull_request', {
      action: 'closed',
      repository: { id: 1, full_name: 'ann/whale' },
      pull_request: { number: 3, user, merged, base: { repo: { id: base } } },
    })
  const repository = { forgeId: 1, fullName: 'ann/whale' }
  const closed = { kind: 'closed', repository, ref: 'refs/pull/3/head' }
  assert.deepEqual(told(true), { ...closed, mergedOf: 8 })
  for (const other of [told(false), told('true'), told(1), told(true, 2), told(true, 1, null)]) {
    assert.deepEqual(other, closed)
  }
})
