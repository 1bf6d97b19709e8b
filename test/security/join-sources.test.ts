import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { createToken } from '../../src/api/auth/tokens.ts'
import { readAuditLines } from '../../src/cli/audit/audit-client.ts'
import type { ChainedEntry } from '../../src/contract/rest/audit-chain.ts'
import { isInRange } from '../../src/lib/reach/reach.ts'
import { startUp } from '../support/installation.ts'
import { tempDir } from '../support/temp-dir.ts'

async function join(url: string, token: string, from: string, name: string) {
  const asked = request(`${url}/api/v1/runners/join`, {
    method: 'POST',
    localAddress: from,
    agent: false,
    headers: { 'content-type': 'application/json' },
  }).end(JSON.stringify({ name, token }))
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return { status: answer.statusCode, words: await text(answer) }
}

test('WHO-55: a join token is valid only from its addresses and for its number of uses', async () => {
  await using narwhal = await startUp()
  const { client, url } = narwhal
  const made = await client.createJoinToken({ uses: 2, sources: ['127.0.0.64/26', 'fd00::/8'] })
  const elsewhere = await join(url, made.token, '127.0.0.9', 'elsewhere')
  assert.equal(elsewhere.status, 401)
  assert.match(elsewhere.words, /does not allow joining from 127\.0\.0\.9/)
  assert.equal((await join(url, made.token, '127.0.0.65', 'one')).status, 201)
  assert.equal((await join(url, made.token, '127.0.0.66', 'two')).status, 201)
  const third = await join(url, made.token, '127.0.0.67', 'three')
  assert.equal(third.status, 401)
  assert.match(third.words, /has been used by 2 of 2 runners/)
  const names = (await client.listRunners()).map(({ name }) => name)
  assert.ok(names.includes('one') && names.includes('two'))
  assert.ok(!names.includes('three') && !names.includes('elsewhere'))
  await assert.rejects(client.createJoinToken({ sources: ['10.0.0.0/40'] }), { code: 'invalid' })
})

test('WHO-55b: an address is matched with its range in any notation', () => {
  assert.ok(isInRange('::ffff:10.1.2.3', '10.1.0.0/16'))
  assert.ok(isInRange('fd12::1', 'fd00::/8'))
  assert.ok(!isInRange('10.2.0.1', '10.1.0.0/16'))
  assert.ok(!isInRange('', '0.0.0.0/0'))
  // No IPv4 address is in the whole of IPv6.
  assert.ok(!isInRange('10.1.2.3', '::/0'))
})

test('WHO-56: the audit log says which of our join tokens was rejected, and from where', async () => {
  await using data = await tempDir()
  const made = await (async () => {
    await using narwhal = await startUp({ data: data.path })
    const { client, url } = narwhal
    const { id, token } = await client.createJoinToken({ sources: ['127.0.0.64/26'] })
    assert.equal((await join(url, token, '127.0.0.65', 'one')).status, 201)
    assert.equal((await join(url, token, '127.0.0.65', 'two')).status, 401)
    assert.equal((await join(url, token, '127.0.0.65', 'three')).status, 401)
    assert.equal((await join(url, token, '127.0.0.9', 'four')).status, 401)
    assert.equal((await join(url, createToken('join'), '127.0.0.9', 'five')).status, 401)
    return { id, token }
    // Rejections are counted each minute, and at the end.
  })()
  await using narwhal = await startUp({ data: data.path })
  const { client, token } = narwhal
  const entries: ChainedEntry[] = []
  const { signal } = new AbortController()
  const address = { server: client.address.server, token }
  for await (const entry of readAuditLines(address, 0, signal)) entries.push(entry)
  const refused = entries.filter(({ action }) => action === 'access.refused')
  const told = refused.map(({ address: from, after }) =>
    [from, after?.['joinToken'] ?? 'unknown', after?.['attempts']].join(' '),
  )
  assert.deepEqual(told.toSorted(), [
    `127.0.0.65 ${made.id} 2`,
    `127.0.0.9 ${made.id} 1`,
    '127.0.0.9 unknown 1',
  ])
  assert.ok(!JSON.stringify(entries).includes(made.token))
})
