import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGithub } from './webhook.ts'

const [SHA, TAG_OBJECT] = ['a'.repeat(40), 'b'.repeat(40)]
const repository = { id: 1, full_name: 'ann/whale' }
const sender = { id: 7, login: 'ann' }
const created = { ref_type: 'tag', ref: 'v1', repository, sender }

test('a created branch or tag is looked up, since its commit isn’t named for sure', () => {
  for (const [over, ref, lookup] of [
    [{}, 'refs/tags/v1', {}],
    [{ sha: SHA }, 'refs/tags/v1', { object: SHA }],
    [{ ref_type: 'branch', sha: '' }, 'refs/heads/v1', {}],
    [{ ref_type: 'branch', ref: 'a/b', sha: '0'.repeat(40) }, 'refs/heads/a/b', {}],
  ] as const) {
    const parsed = parseGithub('create', { ...created, ...over })
    assert.ok(parsed.kind === 'unresolved')
    const [{ facts, title, author, ...event }] = parsed.events
    assert.deepEqual([event.ref, parsed.lookup, title, author], [ref, lookup, '', ''])
    assert.equal(event.kind, ref.startsWith('refs/tags/') ? 'tag' : 'push')
    assert.deepEqual(facts, { actorId: 7, repositoryId: 1, headRepositoryId: 1 })
    assert.deepEqual(event.sender, { id: 7, name: 'ann', isBot: false })
  }
  assert.throws(() => parseGithub('create', { ...created, ref: 'a..b' }), /ref: /)
})

test('what is neither a branch nor a tag is not built when it is created', () => {
  for (const over of [{ ref_type: 'repository' }, { ref_type: 'branch', ref: 'refs/notes/x' }]) {
    const parsed = parseGithub('create', { ...created, ...over })
    assert.ok(parsed.kind === 'ignored')
    assert.match(parsed.reason, /neither a branch nor a tag/)
  }
})

test('a pushed tag without its head commit is looked up by what the tag is at', () => {
  const push = { ref: 'refs/tags/v1', after: TAG_OBJECT, repository, sender, head_commit: null }
  assert.partialDeepStrictEqual(parseGithub('push', push), {
    kind: 'unresolved',
    lookup: { object: TAG_OBJECT },
  })
})

test('the tag of a published release is looked up, and of no other one', () => {
  const release = { tag_name: 'v1', draft: false }
  const published = { action: 'published', release, repository, sender }
  const parsed = parseGithub('release', published)
  assert.ok(parsed.kind === 'unresolved')
  assert.partialDeepStrictEqual(parsed.events[0], { kind: 'tag', ref: 'refs/tags/v1' })
  assert.equal(parseGithub('release', { ...published, action: 'edited' }).kind, 'ignored')
  const draft = { ...release, draft: true }
  assert.equal(parseGithub('release', { ...published, release: draft }).kind, 'ignored')
})
