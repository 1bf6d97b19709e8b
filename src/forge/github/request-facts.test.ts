import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseGithub } from './webhook.ts'

/** The facts of a pull request with these fields besides those that it needs. */
function told(more: object) {
  const user = { id: 8, login: 'bob' }
  const side = { ref: 'topic', label: 'ann:topic', sha: 'a'.repeat(40), repo: { id: 1 } }
  const pull_request = { number: 12, title: 'Breathe', user, head: side, base: side, ...more }
  const repository = { id: 1, full_name: 'ann/whale' }
  const parsed = parseGithub('pull_request', { action: 'opened', repository, pull_request })
  assert.ok(parsed.kind === 'commit')
  return parsed.event.details?.request
}

const label = (name: unknown) => ({ id: 1, name, color: 'ff0000' })

test('a pull request has what conditions ask for; what is missing is unknown', () => {
  assert.equal(told({}), undefined)
  const labels = [label('e2e'), label('a\u202eb')]
  assert.deepEqual(told({ labels, draft: false, milestone: { title: ' v2 ' } }), {
    labels: ['e2e', 'ab'],
    draft: false,
    milestone: 'v2',
  })
  assert.deepEqual(told({ labels: [], milestone: null }), { labels: [], milestone: '' })
})

test('what has another form or size than any forge sends is unknown', () => {
  for (const labels of [[label(1)], 'e2e', Array.from({ length: 201 }, () => label('x'))]) {
    assert.equal(told({ labels, draft: 'yes', milestone: 1 }), undefined)
  }
  assert.equal(told({ labels: [label('x'.repeat(1_000))] })?.labels?.[0]?.length, 300)
})
