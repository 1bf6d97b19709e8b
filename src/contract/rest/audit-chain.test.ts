import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auditText, ChainCheck, type ChainedEntry, chainHash } from './audit-chain.ts'

function aChain(length: number): ChainedEntry[] {
  const entries: ChainedEntry[] = []
  for (let seq = 1; seq <= length; seq++) {
    const entry = {
      at: 1000 + seq,
      actor: { kind: 'person', id: 'user_1', name: 'anna' },
      address: '127.0.0.1',
      cause: 'DELETE /api/v1/users/:user',
      action: 'user.removed',
      subject: { kind: 'user', id: `user_${seq}`, name: `user ${seq}` },
      before: { role: 'member' },
    } as const
    const hash = chainHash(entries.at(-1)?.hash ?? '', seq, auditText(entry))
    entries.push({ ...entry, seq, hash })
  }
  return entries
}

function faults(entries: readonly ChainedEntry[]): string[] {
  const check = new ChainCheck({ seq: 0, hash: '' })
  return entries.map((entry) => check.next(entry)).filter((fault) => fault !== undefined)
}

test('AUD-01: a chain of entries that nobody has touched is whole', () => {
  assert.deepEqual(faults(aChain(5)), [])
})

test('AUD-02: a changed entry of the audit log is found, whatever was changed in it', () => {
  const changes: ((entry: ChainedEntry) => ChainedEntry)[] = [
    (entry) => ({ ...entry, at: entry.at + 1 }),
    (entry) => ({ ...entry, actor: { ...entry.actor, name: 'bert' } }),
    (entry) => ({ ...entry, actor: { ...entry.actor, kind: 'token' } }),
    (entry) => ({ ...entry, address: '127.0.0.2' }),
    (entry) => ({ ...entry, cause: 'POST /api/v1/users' }),
    (entry) => ({ ...entry, action: 'user.added' }),
    (entry) => ({ ...entry, subject: { ...entry.subject, id: 'user_9' } }),
    (entry) => ({ ...entry, before: { role: 'viewer' } }),
    (entry) => ({ ...entry, before: undefined, after: entry.before }),
    (entry) => ({ ...entry, hash: entry.hash.replace(/^./, (c) => (c === '0' ? '1' : '0')) }),
  ]
  for (const change of changes) {
    const chain = aChain(5)
    const third = chain[2]
    assert.ok(third)
    chain[2] = change(third)
    assert.match(faults(chain)[0] ?? '', /entry 3 was changed/)
  }
})

test('AUD-03: a missing entry of the audit log, one put in and one that is there twice are found', () => {
  const chain = aChain(5)
  assert.match(faults(chain.toSpliced(2, 1))[0] ?? '', /entry 3 is missing/)
  assert.match(faults(chain.toSpliced(1, 3))[0] ?? '', /entries 2 to 4 are missing/)
  assert.match(faults(chain.slice(1))[0] ?? '', /entry 1 is missing/)
  const [first, second] = chain
  assert.ok(first && second)
  assert.match(faults([first, first])[0] ?? '', /entry 1 is a duplicate/)
  const forged = { ...second, subject: { ...second.subject, name: 'nobody' } }
  assert.match(
    faults([first, { ...forged, hash: chainHash(first.hash, 3, auditText(forged)) }])[0] ?? '',
    /entry 2 was changed/,
  )
})
