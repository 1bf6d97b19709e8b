import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WrongSignatures } from './wrong-signatures.ts'

function noteTimes(wrong: WrongSignatures, address: string, times: number): void {
  for (let n = 0; n < times; n++) wrong.note(address)
}

test('puts an address off for the rest of the minute of its thirtieth wrong signature', () => {
  let now = 1_000
  const wrong = new WrongSignatures(() => now)
  noteTimes(wrong, '192.0.2.1', 29)
  assert.equal(wrong.waitMs('192.0.2.1'), 0)
  now += 20_000
  wrong.note('192.0.2.1')
  assert.equal(wrong.waitMs('192.0.2.1'), 40_000)
  assert.equal(wrong.waitMs('192.0.2.2'), 0)
  now += 40_000
  assert.equal(wrong.waitMs('192.0.2.1'), 0)
  wrong.note('192.0.2.1')
  assert.equal(wrong.waitMs('192.0.2.1'), 0)
})

test('takes the addresses of one network of IPv6 for one, and those of IPv4 apart', () => {
  const wrong = new WrongSignatures()
  noteTimes(wrong, '2001:db8:0:1::5', 15)
  noteTimes(wrong, '2001:db8:0:1:ffff:ffff:ffff:ffff', 15)
  assert.ok(wrong.waitMs('2001:db8:0:1:2::') > 0)
  assert.equal(wrong.waitMs('2001:db8:0:2::5'), 0)
  noteTimes(wrong, '::ffff:192.0.2.1', 30)
  assert.equal(wrong.waitMs('::ffff:192.0.2.2'), 0)
})

test('keeps a bounded number of addresses, and forgets the oldest first', () => {
  const wrong = new WrongSignatures()
  noteTimes(wrong, '192.0.2.1', 30)
  for (let n = 0; n < 10_500; n++) wrong.note(`10.0.${n >> 8}.${n & 255}`)
  assert.equal(wrong.size, 10_000)
  assert.equal(wrong.waitMs('192.0.2.1'), 0)
})
