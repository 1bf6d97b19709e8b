import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAgo, formatBytes, formatCount, formatDuration } from './format.ts'

test('says durations with the precision that matters', () => {
  const said = [-5, 400, 12_700, 185_000, 7_620_000].map(formatDuration)
  assert.deepEqual(said, ['0.0 s', '0.4 s', '12 s', '3 min 05 s', '2 h 07 min'])
})

test('says how long ago something was', () => {
  const now = Date.UTC(2026, 0, 31)
  const said = [-1, 1, 60, 3 * 60, 25 * 60, 40 * 24 * 60].map((min) =>
    formatAgo(now - min * 60_000, now),
  )
  assert.deepEqual(said, ['just now', '1 min ago', '1 h ago', '3 h ago', '1 d ago', '2025-12-22'])
})

test('says amounts', () => {
  assert.deepEqual([0, 900, 1536, 8 * 1024 ** 3].map(formatBytes), [
    '0 B',
    '900 B',
    '1.5 kB',
    '8.0 GB',
  ])
  assert.equal(formatCount(1, 'job'), '1 job')
  assert.equal(formatCount(0, 'job'), '0 jobs')
})
