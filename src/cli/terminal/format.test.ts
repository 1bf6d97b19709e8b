import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NarwhalError } from '../../lib/errors.ts'
import { exitCodeOf } from './exit-code.ts'
import { formatAge, formatDuration, formatInterval, parseDuration } from './format.ts'

test('writes durations as people do', () => {
  const cases = { 0: '0.0 s', 449: '0.4 s', 12_345: '12.3 s', 59_960: '1 min 00 s' }
  for (const [ms, text] of Object.entries(cases)) assert.equal(formatDuration(Number(ms)), text)
  assert.equal(formatDuration(125_000), '2 min 05 s')
  assert.equal(formatDuration(3_725_000), '1 h 02 min')
  assert.equal(formatDuration(-5), '0.0 s')
})

test('writes ages shortly', () => {
  assert.equal(formatAge(0, 59_000), 'just now')
  assert.equal(formatAge(0, 5 * 60_000), '5 min ago')
  assert.equal(formatAge(0, 72 * 3_600_000), '3 d ago')
})

test('writes an interval as it is read', () => {
  for (const text of ['off', '250ms', '90s', '5m', '24h']) {
    assert.equal(formatInterval(parseDuration(text)), text)
  }
})

test('reads durations, and rejects anything else, quoting it', () => {
  assert.equal(parseDuration('60s'), 60_000)
  assert.equal(parseDuration('1.5m'), 90_000)
  assert.equal(parseDuration('off'), 0)
  assert.throws(() => parseDuration('5 bananas'), /invalid duration "5 bananas"/)
})

test('gives each kind of error its exit code', () => {
  const cases = {
    invalid: 2,
    not_found: 3,
    unauthenticated: 4,
    forbidden: 4,
    unavailable: 5,
    conflict: 6,
    internal: 6,
    cancelled: 130,
  } as const
  for (const [code, exit] of Object.entries(cases)) {
    assert.equal(exitCodeOf(new NarwhalError(code as keyof typeof cases, 'x')), exit)
  }
  assert.equal(exitCodeOf(new TypeError('a bug')), 6)
})
