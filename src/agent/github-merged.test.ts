import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGithub } from './github.ts'

test('a pull request that was merged into this very repository is noted for its author', () => {
  const told = (merged: unknown, base = 1, user: unknown = { id: 8, login: 'bob' }) =>
    parseGithub('pull_request', {
      action: 'closed',
      repository: { id: 1, full_name: 'ann/whale' },
      pull_request: { user, merged, base: { repo: { id: base } } },
    })
  const repository = { forgeId: 1, fullName: 'ann/whale' }
  assert.deepEqual(told(true), { kind: 'merged', repository, actorId: 8 })
  for (const other of [told(false), told('true'), told(1), told(true, 2), told(true, 1, null)]) {
    assert.equal(other.kind, 'ignored')
  }
})
