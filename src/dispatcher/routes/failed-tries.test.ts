import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FailedTries } from './failed-tries.ts'

test('accepts an address again a minute after it has failed too often', () => {
  let now = 0
  const tries = new FailedTries(2, () => now)
  tries.check('a')
  tries.add('a')
  tries.check('a')
  tries.add('a')
  assert.throws(() => tries.check('a'), { code: 'exhausted' })
  tries.check('b')
  now = 59_999
  assert.throws(() => tries.check('a'), { code: 'exhausted' })
  now = 60_000
  tries.check('a')
})
