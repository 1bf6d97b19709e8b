import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linkTo } from '../api.ts'
import { auditQuery, auditSearch, parseAuditFilter } from './audit-filter.ts'

test('what is shown of the audit log is in the address, and comes back from it', () => {
  assert.equal(auditSearch(parseAuditFilter('')), '')
  const search = '?actor=grace&action=secret.set&secret=DEPLOY_KEY&days=30'
  assert.equal(auditSearch(parseAuditFilter(search)), search)
  assert.equal(auditSearch(parseAuditFilter('?days=soon&other=1')), '')
})

test('the API is asked for what is shown, a part at a time', () => {
  const filter = parseAuditFilter('?subject=%20acme/shop%20&days=2')
  const first = new URL(linkTo('listAudit', { query: auditQuery(filter, 1e12) }), 'http://a.test')
  assert.deepEqual(Object.fromEntries(first.searchParams), {
    limit: '100',
    subject: 'acme/shop',
    since: String(1e12 - 2 * 86_400_000),
  })
  assert.equal(auditQuery(filter, 1e12, '5-7').before, '5-7')
})
