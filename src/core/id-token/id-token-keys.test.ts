import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  missingKey,
  PUBLISHED_AHEAD_MS,
  publishedKeys,
  SIGNS_FOR_MS,
  signingKey,
  stateOfKey,
  waitingKey,
} from './id-token-keys.ts'

test('a key is shown, signs and leaves by its times alone', () => {
  const first = { createdAt: 0, signsAt: 0, leavesAt: 300 }
  const next = { createdAt: 100, signsAt: 200 }
  const keys = [first, next]
  const states = (now: number) => keys.map((key) => stateOfKey(key, keys, now))
  assert.deepEqual(states(150), ['signing', 'waiting'])
  assert.deepEqual(states(200), ['leaving', 'signing'])
  assert.deepEqual(states(300), ['gone', 'signing'])
  assert.equal(signingKey(keys, 199), first)
  assert.equal(signingKey(keys, 200), next)
  assert.equal(waitingKey(keys, 199), next)
  assert.equal(waitingKey(keys, 200), undefined)
  assert.deepEqual(publishedKeys(keys, 299), keys)
  assert.deepEqual(publishedKeys(keys, 300), [next])
})

test('the first key is missed at once, and a next one a day before it is wanted', () => {
  assert.equal(missingKey([], 5), 'at once')
  const first = { createdAt: 0, signsAt: 0 }
  const due = SIGNS_FOR_MS - PUBLISHED_AHEAD_MS
  assert.equal(missingKey([first], due - 1), undefined)
  assert.equal(missingKey([first], due), 'next')
  assert.equal(missingKey([first, { createdAt: due, signsAt: SIGNS_FOR_MS }], due + 1), undefined)
  // One that was taken out of use counts for nothing.
  assert.equal(missingKey([{ ...first, leavesAt: 3 }], 3), 'at once')
})
