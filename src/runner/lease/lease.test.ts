import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HEARTBEAT_MS, LEASE_MARGIN_MS, LEASE_MS } from '../../core/attempt/lease.ts'
import { Lease, leaseTimes } from './lease.ts'

const TIMES = { leaseMs: 100, heartbeatMs: 20, marginMs: 30 }

test('a lease counts from the sending of a heartbeat, whenever its answer comes', () => {
  const lease = new Lease(TIMES)
  assert.equal(lease.state(0), 'unconfirmed')
  assert.equal(lease.ask(1000.9), 1000)
  assert.equal(lease.state(1001), 'unconfirmed')
  assert.ok(lease.confirm(1000))
  assert.equal(lease.untilMs, 1070)
  assert.equal(lease.endsMs, 1100)
  assert.equal(lease.state(1069), 'confirmed')
  assert.equal(lease.state(1070), 'expired')
})

test('only a heartbeat that was sent extends it', () => {
  const lease = new Lease(TIMES)
  lease.ask(1000)
  for (const never of [0, 999, 1001, 5000, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.equal(lease.confirm(never), false)
  }
  assert.equal(lease.state(1000), 'unconfirmed')
})

test('answers that overtake each other never shorten it, and one that comes late does not revive it', () => {
  const lease = new Lease(TIMES)
  for (const at of [1000, 1020, 1040]) lease.ask(at)
  assert.ok(lease.confirm(1040))
  assert.ok(lease.confirm(1000))
  assert.equal(lease.untilMs, 1110)
  lease.ask(1060)
  assert.ok(lease.confirm(1060))
  assert.equal(lease.state(1140), 'expired')
  lease.ask(1150)
  assert.ok(lease.confirm(1150))
  assert.equal(lease.state(1151), 'confirmed')
})

test('remembers few heartbeats, however many nobody answers', () => {
  const lease = new Lease({ ...TIMES, leaseMs: 1e9 })
  for (let at = 0; at < 1000; at++) lease.ask(at)
  assert.equal(lease.confirm(0), false)
  assert.ok(lease.confirm(999))
})

test('who names no length gets the usual one, and a short lease has less of everything', () => {
  const usual = { leaseMs: LEASE_MS, heartbeatMs: HEARTBEAT_MS, marginMs: LEASE_MARGIN_MS }
  assert.deepEqual(leaseTimes(0), usual)
  assert.deepEqual(leaseTimes(LEASE_MS / 2), {
    leaseMs: LEASE_MS / 2,
    heartbeatMs: HEARTBEAT_MS / 2,
    marginMs: LEASE_MARGIN_MS / 2,
  })
  assert.deepEqual(leaseTimes(20_000), { ...usual, leaseMs: 20_000 })
  assert.ok(leaseTimes(4_000_000_000).leaseMs < 1_000_000)
})
