import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ProcessCounters, processLimitOf, withinHardLimit } from './process-limit.ts'

const NOTHING: ProcessCounters = {
  hasGroup: false,
  hasOwnUser: false,
  hasUserNamespace: false,
  hasPrlimit: true,
  kernel: '6.1.0-13-amd64',
}

test('a control group counts processes wherever there is one', () => {
  assert.equal(processLimitOf({ ...NOTHING, hasGroup: true, hasPrlimit: false }), 'group')
})

test('the limit of a user is used only where nothing else is counted', () => {
  assert.equal(processLimitOf({ ...NOTHING, hasOwnUser: true }), 'rlimit')
  assert.equal(processLimitOf({ ...NOTHING, hasUserNamespace: true }), 'rlimit')
  assert.equal(processLimitOf(NOTHING), 'none')
  assert.equal(processLimitOf({ ...NOTHING, hasOwnUser: true, hasPrlimit: false }), 'none')
})

test('a user namespace has a count of its own from Linux 5.14 on', () => {
  const on = (kernel: string) => processLimitOf({ ...NOTHING, hasUserNamespace: true, kernel })
  assert.deepEqual(['5.13.9', '4.19.0', '4.4.0'].map(on), ['none', 'none', 'none'])
  assert.deepEqual(['5.14.0-427.el9', '5.15', '6.18.44'].map(on), ['rlimit', 'rlimit', 'rlimit'])
})

test('no limit is above the hard limit of this process', () => {
  const head = 'Limit  Soft Limit  Hard Limit  Units\n'
  assert.equal(withinHardLimit(4096, `${head}Max processes  1000   2000   processes\n`), 2000)
  assert.equal(withinHardLimit(68, `${head}Max processes  1000   2000   processes\n`), 68)
  assert.equal(withinHardLimit(4096, `${head}Max processes  1000  unlimited  processes\n`), 4096)
  assert.ok(withinHardLimit(1) === 1)
})
