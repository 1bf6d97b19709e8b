import assert from 'node:assert/strict'
import { test } from 'node:test'
import { overlapping, planAddresses } from './address-range.ts'
import { spanOf } from './ranges.ts'

test('chooses a range that overlaps with nothing that is routed', () => {
  const first = planAddresses({ slots: 2, warmSandboxes: 3, seed: 7, taken: [] })
  const second = planAddresses({
    slots: 2,
    warmSandboxes: 3,
    seed: 7,
    taken: [first.range, '192.168.0.0/16', 'fd00::/8'],
  })
  const [a, b] = [spanOf(first.range), spanOf(second.range)]
  assert.ok(a.last < b.first || b.last < a.first)
  const inside = `${first.ownResolver}/32`
  assert.notEqual(
    planAddresses({ slots: 2, warmSandboxes: 3, seed: 7, taken: [inside] }).range,
    first.range,
  )
})

test('finds the ranges that have addresses in common with one', () => {
  const ranges = ['10.64.0.0/9', '10.64.7.9', '10.64.8.0/24', '10.64.4.0/22', 'fd00::/8']
  assert.deepEqual(overlapping(ranges, '10.64.0.0/21'), [
    '10.64.0.0/9',
    '10.64.7.9',
    '10.64.4.0/22',
  ])
})

test('throws when no range is free', () => {
  assert.throws(
    () => planAddresses({ slots: 1, warmSandboxes: 0, seed: 1, taken: ['10.0.0.0/8'] }),
    {
      code: 'unavailable',
      message: /no range of \d+ addresses in 10\.64\.0\.0\/10 is free/,
    },
  )
})

test('has addresses and networks for all slots and warm sandboxes, without overlaps', () => {
  for (const [slots, warmSandboxes] of [
    [1, 0],
    [1, 50],
    [8, 9],
    [1_000, 1_001],
  ] as const) {
    const plan = planAddresses({ slots, warmSandboxes, seed: 99, taken: [] })
    const whole = spanOf(plan.range)
    const hosts = spanOf(`${plan.host(plan.hosts - 1)}/32`)
    const networks = [0, plan.networks - 1].map((index) => spanOf(plan.network(index).subnet))
    assert.ok(plan.hosts >= slots * 2 && plan.networks >= slots * 2, String(slots))
    // In use, being removed, warm, and idle; those of a proof come on top.
    assert.ok(plan.networks >= Math.max(8, slots * 2 + warmSandboxes + 2) + 2, String(slots))
    assert.ok(networks.every(({ first, last }) => first > hosts.last && last <= whole.last))
    assert.ok(hosts.first > whole.first)
    assert.notEqual(plan.network(0).subnet, plan.network(1).subnet)
    assert.equal(new Set([plan.ownResolver, plan.strangersResolver, plan.host(0)]).size, 3)
  }
})
