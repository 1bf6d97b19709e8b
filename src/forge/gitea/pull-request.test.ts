import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGitea } from './webhook.ts'

const AT = '2026-01-02T03:04:05Z'
const ada = { id: 7, login: 'ada' }
const repository = { id: 140, owner: ada, full_name: 'ada/whale' }
const side = { label: 'fix', ref: 'fix', sha: 'a'.repeat(40), repo: repository }
const labels = (...names: string[]) => names.map((name, id) => ({ id, name, color: 'ff0000' }))

function told(action: string, request: object = {}, changes?: object) {
  const base = { ...side, ref: 'main' }
  const more = { number: 3, title: 'Fix', user: ada, head: side, base, updated_at: AT }
  const pull_request = { ...more, ...request }
  const payload = { action, number: 3, pull_request, repository, sender: ada, changes }
  const parsed = parseGitea('pull_request', payload)
  return parsed.kind === 'commit' ? parsed.event : undefined
}

test('an update of labels is an addition or a removal, as far as it is said', () => {
  const actions = (...of: Parameters<typeof told>) => told(...of)?.details?.actions
  const some = { labels: labels('bug') }
  assert.deepEqual(actions('label_updated', some), ['labeled'])
  assert.deepEqual(actions('label_updated', { labels: [] }), ['unlabeled'])
  assert.deepEqual(actions('label_cleared', { labels: [] }), ['unlabeled'])
  const event = told('label_updated', some, {
    added_labels: labels('bug'),
    removed_labels: labels('wip', 'x'),
  })
  assert.deepEqual(event?.details?.actions, ['labeled', 'unlabeled'])
  assert.deepEqual(event?.details?.request, {
    labels: ['bug'],
    addedLabels: ['bug'],
    removedLabels: ['wip', 'x'],
  })
  assert.equal(event?.occurrence, `labeled,unlabeled ${AT} [["bug"],["wip","x"]]`)
  const removed = { added_labels: null, removed_labels: labels('wip') }
  assert.deepEqual(actions('label_updated', some, removed), ['unlabeled'])
})

test('a title that is marked as a draft, or no longer, is that and no edit', () => {
  const actions = (title: string, from: string, more: object = {}) =>
    told('edited', { title, ...more }, { title: { from } })?.details?.actions
  assert.deepEqual(actions('Fix', 'WIP: Fix'), ['ready_for_review'])
  assert.deepEqual(actions('[WIP] Fix', 'Fix', { draft: true }), ['converted_to_draft'])
  assert.deepEqual(actions('Fix', 'WIP: Fixing'), ['ready_for_review', 'edited'])
  assert.deepEqual(actions('Fix', 'Fixing'), ['edited'])
  assert.equal(actions('Wipe it', 'Wipe it'), undefined)
})

test('a changed target branch is an edit, with the branch before; an edited text is nothing', () => {
  const event = told('edited', {}, { ref: { from: 'dev' } })
  assert.deepEqual(event?.details, {
    base: side.sha,
    targetBranch: 'main',
    actions: ['edited'],
    request: { formerBranch: 'dev' },
  })
  assert.equal(told('edited', {}, { body: { from: 'x' } }), undefined)
  assert.equal(told('assigned'), undefined)
  assert.equal(told('milestoned'), undefined)
})
