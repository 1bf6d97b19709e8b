import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRange, parseRange } from './line-range.ts'

test('reads what a link points at, counting from 1', () => {
  assert.deepEqual(parseRange('#L12'), { from: 11, to: 11 })
  assert.deepEqual(parseRange('#L12-L20'), { from: 11, to: 19 })
  assert.deepEqual(parseRange('#L12-20'), { from: 11, to: 19 })
  assert.deepEqual(parseRange('#L20-L12'), { from: 19, to: 19 })
  assert.deepEqual(parseRange('#L0'), { from: 0, to: 0 })
})

test('takes no other fragment for lines', () => {
  for (const hash of ['', '#', '#L', '#L1-', '#L-1', '#line-1', '#L1 ', '#L9999999999']) {
    assert.equal(parseRange(hash), undefined, hash)
  }
})

test('writes what it reads', () => {
  for (const hash of ['#L1', '#L12-L20']) {
    const range = parseRange(hash)
    assert.ok(range)
    assert.equal(formatRange(range), hash)
  }
})
