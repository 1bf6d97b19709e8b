import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#root/test/support/eventually.ts'
import { openTestStore } from '#root/test/support/test-store.ts'
import { TESTER } from '#root/test/support/tester.ts'
import { ChainCheck } from '../../contract/rest/audit-chain.ts'
import { silentLog } from '../../lib/log.ts'
import { keepAudit } from './keep-audit.ts'

test('old entries of the audit log are pruned in batches, which are recorded', async () => {
  await using store = await openTestStore()
  const subject = { id: 'KEY', name: 'KEY' }
  await store.transact(async (write) => {
    for (let n = 0; n < 1000; n++) write.audit.add(TESTER, { action: 'secret.set', subject })
  })
  // As if it were a minute later.
  await using _keeping = keepAudit({ store, log: silentLog(), keepMs: -60_000 })
  await eventually(async () => (await store.audit.head()).removed >= 1000)
  await eventually(async () => {
    const head = await store.audit.head()
    const entries = await store.audit.read(0, 100)
    return entries.length === head.last - head.removed
  })
  const { removed, removedHash } = await store.audit.head()
  const check = new ChainCheck({ seq: removed, hash: removedHash })
  for (const entry of await store.audit.read(0, 100)) {
    assert.equal(check.next(entry), undefined)
    assert.equal(entry.action, 'audit.pruned')
    assert.equal(entry.actor.kind, 'system')
  }
})
