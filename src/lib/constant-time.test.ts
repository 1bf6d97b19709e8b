import assert from 'node:assert/strict'
import { test } from 'node:test'
import { equalsConstantTime } from './constant-time.ts'

test('compares secrets of any length and type', () => {
  assert.equal(equalsConstantTime('secret', 'secret'), true)
  assert.equal(equalsConstantTime('', ''), true)
  assert.equal(equalsConstantTime('sécret', Buffer.from('sécret')), true)
  assert.equal(equalsConstantTime('secret', 'secreT'), false)
  assert.equal(equalsConstantTime('secret', 'secret '), false)
  assert.equal(equalsConstantTime('secret', ''), false)
})
