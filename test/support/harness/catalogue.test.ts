import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { attacksOf, catalogue } from './catalogue.ts'
import type { TestResult } from './result.ts'

function fileOf(...tests: TestResult[]) {
  return { file: 'test/security/a.test.ts', tests, durationMs: 1, output: '' }
}

test('lists attacks by their ids, with their results', () => {
  const attacks = attacksOf([
    fileOf(
      { path: ['SEC-10: a job starves another'], outcome: 'failed', error: 'it did' },
      { path: ['SEC-02: a stranger gets a secret'], outcome: 'passed' },
    ),
    fileOf({ path: ['NET-01: a job reaches the gateway'], outcome: 'skipped', reason: 'no nft' }),
  ])
  const lines = stripVTControlCharacters(catalogue(attacks)).split('\n')
  assert.deepEqual(lines, [
    'NET-01  not tried  a job reaches the gateway (no nft)',
    'SEC-02  held       a stranger gets a secret',
    'SEC-10  NOT HELD   a job starves another',
    '',
    '1 held, 1 not held, 1 not tried',
  ])
})

test('the result of an attack is the worst of its parts', () => {
  const title = 'SEC-01: a job approves itself'
  const attacks = attacksOf([
    fileOf(
      { path: [title, 'in a container'], outcome: 'failed' },
      { path: [title], outcome: 'passed' },
    ),
  ])
  assert.deepEqual(attacks, [{ id: 'SEC-01', what: 'a job approves itself', verdict: 'not held' }])
})

test('lists failures of tests without an id', () => {
  const failed = fileOf({ path: ['the file as a whole'], outcome: 'failed' })
  assert.equal(attacksOf([failed])[0]?.verdict, 'not held')
})

test('has a line for each variant of an attack', () => {
  const passed = (title: string) => ({ path: [title], outcome: 'passed' }) as const
  const attacks = attacksOf([fileOf(passed('NET-15: by one'), passed('NET-15: by another'))])
  assert.deepEqual(attacks.map(({ what }) => what).toSorted(), ['by another', 'by one'])
})
