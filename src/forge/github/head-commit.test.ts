import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGithub } from './webhook.ts'

const [SHA, OTHER] = ['a'.repeat(40), 'b'.repeat(40)]
const push = {
  ref: 'refs/heads/main',
  before: OTHER,
  after: SHA,
  repository: { id: 1, full_name: 'ann/whale' },
  head_commit: { id: SHA, message: 'Dive', author: { name: 'Ann' } },
}

test('title and author are those of the pushed commit, not of another in the payload', () => {
  const read = (payload: object) => {
    const parsed = parseGithub('push', payload)
    assert.ok(parsed.kind === 'commit')
    return [parsed.event.sha, parsed.event.title, parsed.event.author]
  }
  assert.deepEqual(read(push), [SHA, 'Dive', 'Ann'])
  const head_commit = { ...push.head_commit, id: OTHER }
  assert.deepEqual(read({ ...push, head_commit }), [SHA, '', ''])
  assert.deepEqual(read({ ...push, head_commit: null }), [SHA, '', ''])
})

test('a push that moves nothing is a test', () => {
  const parsed = parseGithub('push', { ...push, before: SHA })
  assert.ok(parsed.kind === 'ignored')
  assert.match(parsed.reason, /nothing was moved/)
})
