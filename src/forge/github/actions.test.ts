import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGithub } from './webhook.ts'

const [SHA, BASE] = ['a'.repeat(40), 'b'.repeat(40)]
const AT = '2026-01-02T03:04:05Z'
const repository = { id: 1, full_name: 'ann/whale' }
const user = { id: 8, login: 'bob' }
const pull_request = {
  number: 12,
  title: 'Breathe',
  user,
  updated_at: AT,
  draft: false,
  labels: [{ name: 'bug' }, { name: 'e2e' }],
  milestone: null,
  head: { ref: 'topic', label: 'bob:topic', sha: SHA, repo: { id: 2 } },
  base: { ref: 'main', sha: BASE, repo: { id: 1 } },
}

function told(action: string, more: object = {}) {
  const sender = { id: 7, login: 'ann' }
  const parsed = parseGithub('pull_request', { action, repository, sender, pull_request, ...more })
  const event = parsed.kind === 'commit' || parsed.kind === 'closed' ? parsed.event : undefined
  assert.ok(event, JSON.stringify(parsed))
  assert.deepEqual([event.kind, event.ref, event.sha], ['pull_request', 'refs/pull/12/head', SHA])
  return event
}

test('each action of a pull request has its word, and what tells two of them apart', () => {
  const cases: [action: string, more: object, actions: string, occurrence: string | undefined][] = [
    ['opened', {}, 'opened', undefined],
    ['synchronize', { before: BASE }, 'synchronized', undefined],
    ['reopened', {}, 'reopened', `reopened ${AT}`],
    ['ready_for_review', {}, 'ready_for_review', `ready_for_review ${AT}`],
    ['converted_to_draft', {}, 'converted_to_draft', `converted_to_draft ${AT}`],
    ['labeled', { label: { name: 'e2e' } }, 'labeled', `labeled ${AT} [["e2e"],[]]`],
    [
      'unlabeled',
      { label: { name: 'wip' } },
      'unlabeled',
      `unlabeled ${AT} [["bug","e2e"],["wip"]]`,
    ],
    ['edited', { changes: { title: { from: 'x' } } }, 'edited', `edited ${AT} main Breathe`],
    ['closed', {}, 'closed', `closed ${AT}`],
  ]
  for (const [action, more, actions, occurrence] of cases) {
    const event = told(action, more)
    assert.deepEqual([event.details?.actions, event.occurrence], [[actions], occurrence])
  }
})

test('two labels that are added at once are two events, and a redelivery is none', () => {
  const label = (name: string) => told('labeled', { label: { name } }).occurrence
  assert.notEqual(label('e2e'), label('bug'))
  assert.equal(label('e2e'), label('e2e'))
})

test('what was changed is known, and what the event left alone as well', () => {
  const request = (action: string, more: object = {}) => told(action, more).details?.request
  const known = { labels: ['bug', 'e2e'], draft: false, milestone: '' }
  assert.deepEqual(request('labeled', { label: { name: 'e2e' } }), {
    ...known,
    addedLabels: ['e2e'],
  })
  assert.deepEqual(request('unlabeled', { label: { name: 'x' } }), {
    ...known,
    removedLabels: ['x'],
  })
  const changes = { base: { ref: { from: 'dev' }, sha: { from: SHA } } }
  assert.deepEqual(request('edited', { changes }), { ...known, formerBranch: 'dev' })
  for (const merged of [true, false]) {
    const more = { pull_request: { ...pull_request, merged } }
    assert.deepEqual(request('closed', more), { ...known, merged })
  }
})

test('an edited description builds nothing', () => {
  for (const changes of [{ body: { from: 'x' } }, {}, undefined]) {
    const payload = { action: 'edited', repository, pull_request, changes }
    assert.equal(parseGithub('pull_request', payload).kind, 'ignored')
  }
})

test('who caused it changes nothing about whose commit it is', () => {
  const { facts } = told('labeled', { label: { name: 'safe' } })
  assert.partialDeepStrictEqual(facts, { actorId: 8, senderId: 7, headRepositoryId: 2 })
})

test('a published release is an event of its tag, beside that of the tag itself', () => {
  const release = { id: 17, tag_name: 'v1', name: 'Whale 1', published_at: AT, author: user }
  const sender = { id: 7, login: 'ann' }
  const parsed = parseGithub('release', { action: 'published', repository, sender, release })
  assert.ok(parsed.kind === 'unresolved')
  const [tag, published] = parsed.events
  assert.deepEqual([tag.kind, tag.ref, tag.occurrence], ['tag', 'refs/tags/v1', undefined])
  assert.deepEqual(published, {
    kind: 'release',
    ref: 'refs/tags/v1',
    title: 'Whale 1',
    author: 'bob',
    facts: { actorId: 7, repositoryId: 1, headRepositoryId: 1 },
    occurrence: `published 17 ${AT}`,
    sender: { id: 7, name: 'ann', isBot: false },
    details: { actions: ['published'] },
  })
  for (const action of ['created', 'edited', 'released', 'deleted']) {
    assert.equal(parseGithub('release', { action, repository, sender, release }).kind, 'ignored')
  }
})

test('a merge group is an event of its head, with its target; its end is none', () => {
  const merge_group = {
    head_ref: 'refs/heads/gh-readonly-queue/main/pr-104-929f',
    head_sha: SHA,
    base_ref: 'refs/heads/main',
    base_sha: BASE,
    head_commit: { id: SHA, message: 'Merge #104\n\nx', author: { name: 'Ann' } },
  }
  const sender = { id: 7, login: 'ann' }
  const payload = { action: 'checks_requested', repository, sender, merge_group }
  const parsed = parseGithub('merge_group', payload)
  assert.ok(parsed.kind === 'commit')
  assert.deepEqual(parsed.event, {
    kind: 'merge_group',
    ref: merge_group.head_ref,
    sha: SHA,
    title: 'Merge #104',
    author: 'Ann',
    facts: { actorId: 7, repositoryId: 1, headRepositoryId: 1 },
    occurrence: 'checks_requested',
    sender: { id: 7, name: 'ann', isBot: false },
    details: { actions: ['checks_requested'], base: BASE, targetBranch: 'main' },
  })
  assert.equal(parseGithub('merge_group', { ...payload, action: 'destroyed' }).kind, 'ignored')
  const pull = { ...merge_group, head_ref: 'refs/pull/1/merge' }
  assert.equal(parseGithub('merge_group', { ...payload, merge_group: pull }).kind, 'ignored')
})
