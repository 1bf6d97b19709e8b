import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AgedPipeline, keepInWords, newSieve, removalInWords } from './keeping.ts'

const DAY = 86_400_000
const NOW = 1_000 * DAY

const aged = (days: number, more: Partial<AgedPipeline> = {}): AgedPipeline => {
  const finishedAt = NOW - days * DAY
  return {
    id: 'p',
    createdAt: finishedAt,
    number: 1,
    ref: 'refs/heads/main',
    outcome: 'failure',
    finishedAt,
    ...more,
  }
}

test('what is older than the rule goes, its logs before it', () => {
  const sieve = newSieve({ logs: 10 * DAY, pipelines: 100 * DAY }, NOW)
  const seen = [aged(1), aged(11), aged(99), aged(101)].map(sieve)
  assert.deepEqual(seen, ['nothing', 'logs', 'logs', 'pipeline'])
})

test('the newest success of each branch stays, however old it is', () => {
  const sieve = newSieve({ logs: 10 * DAY, pipelines: 100 * DAY }, NOW)
  const success = { outcome: 'success' }
  const other = { ...success, ref: 'refs/heads/release' }
  const pull = { ...success, ref: 'refs/pull/1/head' }
  const seen = [aged(50), aged(200, success), aged(201, success), aged(300, other), aged(301, pull)]
  assert.deepEqual(seen.map(sieve), ['logs', 'nothing', 'pipeline', 'nothing', 'pipeline'])
})

test('what has not ended stays, and logs that went go again only after another run', () => {
  const sieve = newSieve({ logs: 10 * DAY, pipelines: 'forever' }, NOW)
  const { finishedAt: _, outcome: __, ...open } = aged(500)
  assert.equal(sieve(open), 'nothing')
  assert.equal(sieve(aged(50, { logsRemovedAt: NOW - 20 * DAY })), 'nothing')
  assert.equal(sieve(aged(50, { logsRemovedAt: NOW - 60 * DAY })), 'logs')
})

test('with no rules everything stays', () => {
  const sieve = newSieve({ logs: 'forever', pipelines: 'forever' }, NOW)
  assert.equal(sieve(aged(900)), 'nothing')
})

test('rules and removals are said in words', () => {
  assert.equal(keepInWords('forever'), 'forever')
  assert.equal(keepInWords(90 * DAY), '90d')
  assert.equal(keepInWords(12 * 3_600_000), '12h')
  const words = removalInWords({ at: Date.UTC(2026, 10, 30), rule: 'keep-logs 90d' })
  assert.equal(words, 'removed on 2026-11-30 by the rule keep-logs 90d')
})
