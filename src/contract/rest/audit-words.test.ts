import assert from 'node:assert/strict'
import { test } from 'node:test'
import { factsText } from './audit-words.ts'

test('says moments as dates, whatever they are called, and numbers as they are', () => {
  const at = Date.UTC(2027, 0, 2)
  for (const name of ['expiresAt', 'since', 'before', 'until']) {
    assert.equal(factsText({ after: { [name]: at } }), `${name}: 2027-01-02T00:00:00.000Z`)
  }
  assert.equal(factsText({ after: { attempt: 2 } }), 'attempt: 2')
})

test('says what was and what is, once where they are the same', () => {
  const told = { before: { role: 'member', of: 'me' }, after: { role: 'admin', of: 'me' } }
  assert.equal(factsText(told), 'role: member → admin, of: me')
  assert.equal(
    factsText({ before: { labels: ['gpu'] }, after: { labels: [] } }),
    'labels: gpu → none',
  )
})
