import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auditPath, auditSearch, parseAuditFilter } from './audit-filter.ts'

test('what is shown of the audit log is in the address, and comes back from it', () => {
  assert.equal(auditSearch(parseAuditFilter('')), '')
  const search = '?actor=grace&action=secret.set&secret=DEPLOY_KEY&days=30'
  assert.equal(auditSearch(parseAuditFilter(search)), search)
  assert.equal(auditSearch(parseAuditFilter('?days=soon&other=1')), '')
})

test('the API is asked for what is shown, a part at a time', () => {
  const filter = parseAuditFilter('?subject=%20acme/shop%20&days=2')
  const first = new URLSearchParams(auditPath(filter, 1e12).split('?')[1])
  assert.deepEqual(Object.fromEntries(first), {
    limit: '100',
    subject: 'acme/shop',
    since: String(1e12 - 2 * 86_400_000),
  })
  assert.match(auditPath(filter, 1e12, '5-7'), /before=5-7$/)
})
