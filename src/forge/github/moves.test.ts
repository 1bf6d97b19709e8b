import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGithub } from './webhook.ts'

const [SHA, BEFORE, ZERO] = ['a'.repeat(40), 'b'.repeat(40), '0'.repeat(40)]
const repository = { id: 1, full_name: 'ann/whale' }

function told(name: string, more: object) {
  const push = { ref: 'refs/heads/main', before: BEFORE, after: SHA, repository }
  return parseGithub(name, { ...push, ...more })
}

test('a push says where the ref was, if it was anywhere, and when the forge was told', () => {
  const commit = (more: object) => {
    const parsed = told('push', more)
    assert.ok(parsed.kind === 'commit')
    return [parsed.event.before, parsed.event.stamp]
  }
  assert.deepEqual(commit({}), [BEFORE, undefined])
  const pushed = { ...repository, pushed_at: 1557933657 }
  assert.deepEqual(commit({ before: ZERO, repository: pushed }), ['', '1557933657'])
  const tag = { before: undefined, ref: 'refs/tags/v1', head_commit: { id: SHA, message: '' } }
  assert.deepEqual(commit(tag), [undefined, undefined])
})

test('a push that deletes says that the ref is gone', () => {
  const deletion = { deleted: true, after: ZERO, head_commit: null }
  const gone = {
    kind: 'gone',
    repository: { forgeId: 1, fullName: 'ann/whale' },
    ref: 'refs/heads/main',
    before: BEFORE,
  }
  assert.deepEqual(told('push', deletion), gone)
  assert.deepEqual(told('push', { ...deletion, deleted: undefined }), gone)
  const ofTag = told('push', { ...deletion, ref: 'refs/tags/v1' })
  assert.deepEqual(ofTag, { ...gone, ref: 'refs/tags/v1' })
})

test('a pull request says where its head was, and a reopening when it was', () => {
  const side = { ref: 'topic', label: 'ann:topic', sha: SHA, repo: { id: 1 } }
  const pull_request = { number: 2, title: 'x', user: null, head: side, base: side }
  const of = (action: string) => {
    const updated_at = '2026-01-02T03:04:05Z'
    const payload = { action, before: BEFORE, pull_request: { ...pull_request, updated_at } }
    const parsed = told('pull_request', payload)
    assert.ok(parsed.kind === 'commit')
    return [parsed.event.before, parsed.event.occurrence]
  }
  assert.deepEqual(of('synchronize'), [BEFORE, undefined])
  assert.deepEqual(of('opened'), [undefined, undefined])
  assert.deepEqual(of('reopened'), [undefined, 'reopened 2026-01-02T03:04:05Z'])
})
