import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestResult } from '../support/harness/result.ts'
import { mirrorAmong } from './debian-root.ts'
import { upstreamVersion } from './run-suite.ts'
import { missingLines, table, totals } from './table.ts'

const file = (...outcomes: TestResult['outcome'][]) => ({
  file: 'a.test.ts',
  tests: outcomes.map((outcome) => ({ path: ['a'], outcome })),
  durationMs: 1,
  output: '',
})
const RUNS = [
  {
    server: 'RabbitMQ',
    version: '4.3.6',
    from: 'sid',
    suite: 'broker',
    files: [file('passed', 'passed'), file('failed')],
    seconds: 12.6,
  },
  { server: 'git', from: 'sid', suite: 'fetch', reason: 'it is not to be had' },
]

test('shows each run with its counts, and what could not be run', () => {
  assert.deepEqual(table(RUNS).split('\n'), [
    '| server   | version | Debian | suite  | passed | failed | skipped | seconds |',
    '|----------|---------|--------|--------|-------:|-------:|--------:|--------:|',
    '| RabbitMQ | 4.3.6   | sid    | broker |      2 |      1 |       0 |      13 |',
    '| git      | not run | sid    | fetch  |        |        |         |         |',
  ])
  assert.deepEqual(missingLines(RUNS), ['not run: git of Debian sid: it is not to be had'])
})

test('counts a suite that could not be run as skipped, never as passed', () => {
  assert.deepEqual(totals(RUNS), { passed: 2, failed: 1, skipped: 1 })
})

test("takes Debian's own mirror of those that apt has", () => {
  const lines = [
    'https://packages.example/node nodesource nodistro main',
    'http://security.example/debian-security/ Debian Debian-Security main',
    'http://mirror.example/debian/ Debian Debian main',
  ]
  assert.equal(mirrorAmong(lines.join('\n')), 'http://mirror.example/debian/')
  assert.equal(mirrorAmong(lines.slice(0, 2).join('\n')), undefined)
})

test("leaves Debian's epoch and revision out of versions", () => {
  const versions = ['1:2.39.5-0+deb12u2', '28.5.2+dfsg4-5', '15.14-0+deb12u1', '4.3.6-1', '18+293']
  const upstream = ['2.39.5', '28.5.2', '15.14', '4.3.6', '18']
  assert.deepEqual(versions.map(upstreamVersion), upstream)
})
