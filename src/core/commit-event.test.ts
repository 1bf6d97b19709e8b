import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BARE_COMMIT_REF,
  isRef,
  isSha,
  isZeroSha,
  placeOf,
  semanticKey,
  shortRef,
} from './commit-event.ts'

const event = {
  id: 'event_1',
  kind: 'push',
  repositoryId: 'repo_1',
  ref: 'refs/heads/main',
  sha: 'a'.repeat(40),
} as const

test('the same commit on the same ref has one key, however it was learnt', () => {
  assert.equal(semanticKey(event), semanticKey({ ...event, id: 'event_2' }))
  assert.notEqual(semanticKey(event), semanticKey({ ...event, ref: 'refs/heads/other' }))
  assert.notEqual(semanticKey(event), semanticKey({ ...event, sha: 'b'.repeat(40) }))
})

test('a run by hand is always new', () => {
  const manual = { ...event, kind: 'manual' } as const
  assert.notEqual(semanticKey(manual), semanticKey({ ...manual, id: 'event_2' }))
})

test('only full object names are commits', () => {
  assert.ok(isSha('0123456789abcdef0123456789abcdef01234567'))
  assert.ok(isSha('a'.repeat(64)))
  for (const text of ['', 'abc', 'A'.repeat(40), `${'a'.repeat(39)}g`, `-${'a'.repeat(39)}`]) {
    assert.ok(!isSha(text), text)
  }
  assert.ok(isZeroSha('0'.repeat(40)))
})

test('refs that git or a shell could misread are refused', () => {
  for (const ref of ['refs/heads/main', 'refs/tags/v1.0', 'refs/pull/7/head', 'refs/heads/a-b/ü']) {
    assert.ok(isRef(ref), ref)
  }
  const hostile = [
    'main',
    '-h',
    '--upload-pack=x',
    'refs/heads/../../x',
    'refs/heads/a b',
    'refs/heads/a\0b',
    'refs/heads/a\nb',
    'refs/heads/a~1',
    'refs/heads/@{-1}',
    'refs/heads/a.lock',
    'refs/heads/.a',
    'refs/heads/a/',
    'refs/heads/a.',
    `refs/heads/${'x'.repeat(5000)}`,
  ]
  for (const ref of hostile) assert.ok(!isRef(ref), ref)
})

test('refs are shortened as people say them', () => {
  assert.equal(shortRef('refs/heads/feature/x'), 'feature/x')
  assert.equal(shortRef('refs/tags/v1'), 'v1')
  assert.equal(shortRef('refs/pull/7/head'), '#7')
  assert.equal(shortRef('refs/merge-requests/7/head'), '!7')
  assert.equal(shortRef('refs/pull/7/merge'), 'refs/pull/7/merge')
  assert.equal(shortRef('HEAD'), 'HEAD')
})

test('a pipeline that was started for a commit alone is shown with the commit', () => {
  const sha = '0123456789abcdef0123456789abcdef01234567'
  const at = { kind: 'manual', ref: BARE_COMMIT_REF, sha } as const
  assert.equal(placeOf(at), '0123456789')
  assert.equal(placeOf({ ...at, ref: 'refs/heads/main' }), 'main')
  assert.equal(placeOf({ ...at, kind: 'push' }), 'HEAD')
  assert.equal(placeOf({ ...at, kind: 'pull_request', ref: 'refs/pull/7/head' }), '#7')
})
