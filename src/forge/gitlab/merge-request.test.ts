import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WebhookCommit } from '../parsed-webhook.ts'
import { parseGitlab } from './webhook.ts'

const AT = '2026-01-02 03:04:05 UTC'
const SHA = 'a'.repeat(40)
const project = { id: 15, path_with_namespace: 'ada/whale' }
const label = (title: string) => ({ id: 1, title, color: '#fff' })

function updated(changes: object, more: object = {}): WebhookCommit | undefined {
  const parsed = parseGitlab('Merge Request Hook', {
    user: { id: 1, name: 'Grace', username: 'grace' },
    project,
    labels: [label('API')],
    changes: { updated_at: { previous: 'x', current: AT }, ...changes },
    object_attributes: {
      iid: 1,
      title: 'Viewport',
      action: 'update',
      updated_at: AT,
      draft: false,
      author_id: 51,
      source_branch: 'viewport',
      source_project_id: 15,
      target_branch: 'main',
      target_project_id: 15,
      last_commit: { id: SHA, message: 'x', author: { name: 'Ada' } },
      ...more,
    },
  })
  return parsed.kind === 'commit' ? parsed.event : undefined
}

test('an update is what has changed, also several things at once', () => {
  const actions = (changes: object) => updated(changes)?.details?.actions
  const draft = { previous: true, current: false }
  const title = { previous: 'Draft: Viewport', current: 'Viewport' }
  assert.deepEqual(actions({ draft, title }), ['ready_for_review'])
  assert.deepEqual(actions({ work_in_progress: { previous: false, current: true } }), [
    'converted_to_draft',
  ])
  assert.deepEqual(actions({ title: { previous: 'Port', current: 'Viewport' } }), ['edited'])
  const labels = { previous: [label('wip'), label('API')], current: [label('API'), label('e2e')] }
  const event = updated({ labels, draft })
  assert.deepEqual(event?.details?.actions, ['ready_for_review', 'labeled', 'unlabeled'])
  assert.deepEqual(event?.details?.request, {
    labels: ['API'],
    draft: false,
    addedLabels: ['e2e'],
    removedLabels: ['wip'],
  })
  assert.equal(event?.occurrence, `ready_for_review,labeled,unlabeled ${AT} [["e2e"],["wip"]]`)
})

test('a new target is an edit, with the one before', () => {
  const event = updated({ target_branch: { previous: 'dev', current: 'main' } })
  assert.deepEqual(event?.details?.actions, ['edited'])
  assert.equal(event?.details?.request?.formerBranch, 'dev')
})

test('new commits are new commits, whatever it repeats of labels', () => {
  const labels = { previous: [], current: [label('API')] }
  const event = updated({ labels }, { oldrev: 'b'.repeat(40) })
  assert.deepEqual(event?.details?.actions, ['synchronized'])
  assert.deepEqual([event?.before, event?.occurrence], ['b'.repeat(40), undefined])
  assert.equal(updated({ assignees: { previous: [], current: [{}] } }), undefined)
  assert.equal(updated({ labels: { previous: [label('a')], current: [label('a')] } }), undefined)
})

test('a release is an event of its tag when it is created', () => {
  const release = {
    id: 1,
    object_kind: 'release',
    action: 'create',
    tag: 'v1.1',
    name: 'Whale 1.1',
    project,
    commit: { id: SHA, message: 'Dive', author: { name: 'Ada' } },
  }
  const parsed = parseGitlab('Release Hook', release)
  assert.ok(parsed.kind === 'commit')
  assert.deepEqual(parsed.event, {
    kind: 'release',
    ref: 'refs/tags/v1.1',
    sha: SHA,
    title: 'Whale 1.1',
    author: 'Ada',
    facts: { repositoryId: 15, headRepositoryId: 15 },
    occurrence: 'published 1',
    details: { actions: ['published'] },
  })
  assert.equal(parseGitlab('Release Hook', { ...release, action: 'update' }).kind, 'ignored')
  assert.throws(() => parseGitlab('Release Hook', { ...release, tag: '../x' }), { code: 'invalid' })
})
