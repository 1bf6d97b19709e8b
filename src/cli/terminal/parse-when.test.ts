import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseWhen } from './parse-when.ts'

const NOW = Date.parse('2026-11-30T12:00:00Z')

test('a time is so long ago, or a moment', () => {
  assert.equal(parseWhen('--since', '90m', NOW), NOW - 90 * 60_000)
  assert.equal(parseWhen('--since', '30d', NOW), NOW - 30 * 86_400_000)
  assert.equal(parseWhen('--since', '2w', NOW), NOW - 14 * 86_400_000)
  assert.equal(parseWhen('--since', '999999w', NOW), 0)
  assert.equal(parseWhen('--since', '2026-11-30T12:00Z', NOW), NOW)
  assert.equal(parseWhen('--since', '2026-11-30', NOW), new Date(2026, 10, 30).getTime())
})

test('rejects an invalid time, naming the option', () => {
  for (const text of ['', 'yesterday', '30', '-1d', '30s', '2026-13-01', '2026-11-30Z', '1e3d']) {
    const message = /--until: invalid time .*30d/
    assert.throws(() => parseWhen('--until', text, NOW), { code: 'invalid', message }, text)
  }
})
